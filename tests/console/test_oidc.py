"""Signing in by OpenID Connect, at a provider that runs."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from playwright.async_api import Browser, expect
from starlette.requests import HTTPConnection

from moderator.console.auth import FromSession
from moderator.settings import load_settings
from tests.console.conftest import Serve
from tests.console.serving import Console, eventually
from tests.services.oidc import CLIENT, SECRET, Provider, providing
from tests.services.process import LOOPBACK, free_port

HTML = {"Accept": "text/html"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing({"sub": "7", "preferred_username": "ts", "groups": ["staff", "ts"]}) as made:
        made.claims |= {"email": "ada@example.org", "email_verified": True}
        yield made


@pytest.fixture
def given(provider: Provider) -> dict[str, Any]:
    """Return the settings of a console where people sign in at the provider."""
    port = free_port()
    return {
        "console_port": port,
        "console_url": f"http://{LOOPBACK}:{port}",
        "console_auth": "oidc",
        "console_oidc_issuer": provider.url,
        "console_oidc_client": CLIENT,
        "console_oidc_secret": SECRET,
        "console_moderators": ("group:ts", "ada@example.org"),
        "console_viewers": (),
    }


@pytest.fixture
def console(serve: Serve, given: dict[str, Any]) -> Console:
    return serve(**given)


def browsing(console: Console) -> httpx.Client:
    return httpx.Client(base_url=console.url, headers=HTML, follow_redirects=True)


def test_who_is_not_signed_in_is_sent_to_the_provider_and_comes_back(console: Console) -> None:
    with browsing(console) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "Signed in as" in page.text
        assert "<bdi>ada@example.org</bdi>" in page.text


def test_the_groups_of_the_token_give_the_roles(console: Console, provider: Provider) -> None:
    with browsing(console) as client:
        client.get("/")
        assert client.get("/review").status_code == 200
    provider.claims |= {"groups": ["staff"], "email": "eve@example.org"}
    with browsing(console) as client:
        client.get("/")
        assert client.get("/review").status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"preferred_username": "ts"},
        {"preferred_username": "ada@example.org"},
        {"email": "group:ts"},
        {"sub": "ts"},
        {"email": "ada@example.org", "email_verified": False},
        {"email": "ada@example.org", "email_verified": "false"},
        {"email": "ada@example.org", "email_verified": "true"},
        {"email": "ada@example.org", "email_verified": None},
    ],
)
def test_nobody_becomes_another_user_or_a_group_by_what_they_are_called(
    console: Console, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = {"sub": "8", "groups": ["staff"], "email_verified": True, **claims}
    with browsing(console) as client:
        assert client.get("/").status_code == 403
        assert client.get("/review").status_code == 403


def test_an_address_that_is_verified_names_the_user(console: Console, provider: Provider) -> None:
    provider.claims["groups"] = []
    with browsing(console) as client:
        client.get("/")
        assert client.get("/review").status_code == 200


def test_another_claim_may_name_the_user(
    serve: Serve, given: dict[str, Any], provider: Provider
) -> None:
    provider.claims |= {"groups": [], "upn": "ada@corp"}
    console = serve(**(given | {"console_oidc_user": "upn", "console_moderators": ("ada@corp",)}))
    with browsing(console) as client:
        assert "<bdi>ada@corp</bdi>" in client.get("/").text
        assert client.get("/review").status_code == 200
    del provider.claims["upn"]
    with browsing(console) as client:
        assert client.get("/review").status_code == 403


def test_asking_to_sign_in_again_and_again_makes_no_session_longer(
    serve: Serve, given: dict[str, Any]
) -> None:
    console = serve(**given, console_session_seconds=4)
    with browsing(console) as client:
        assert client.get("/review").status_code == 200

        def is_over() -> bool:
            sent = client.get("/signin", follow_redirects=False)
            assert "set-cookie" in sent.headers  # made anew, with the user in it
            answer = client.get("/api/review", headers={"Accept": "*/*"})
            return answer.status_code == 401

        assert not is_over()
        eventually(is_over)


async def test_a_session_lasts_from_signing_in_for_as_long_as_settings_say() -> None:
    settings = load_settings({"console_session_seconds": 60})
    now = 1_000.0
    backend = FromSession(settings, lambda: now)
    user = {"name": "ada", "groups": []}

    async def found(session: dict[str, Any]) -> bool:
        asked = HTTPConnection({"type": "http", "headers": [], "session": session})
        return await backend.authenticate(asked) is not None

    assert await found({"user": user | {"at": 940}})
    assert not await found({"user": user | {"at": 939}})
    assert not await found({"user": user})  # of an earlier version
    assert not await found({})


def test_a_script_that_is_not_signed_in_is_told_so(console: Console) -> None:
    with console.client() as client:
        assert client.get("/api/review").status_code == 401


def test_a_token_signed_by_somebody_else_signs_nobody_in(
    console: Console, provider: Provider
) -> None:
    provider.signed_by = RSAKey.generate_key(2048, {"kid": "1"})
    with browsing(console) as client:
        assert client.get("/").status_code == 401


def test_a_way_back_that_nobody_began_signs_nobody_in(console: Console) -> None:
    with browsing(console) as client:
        answer = client.get("/signin/back?code=stolen&state=made-up")
        assert answer.status_code == 401


def test_who_signs_out_is_signed_out(console: Console) -> None:
    with browsing(console) as client:
        page = client.get("/")
        script = {"Accept": "*/*"}
        assert client.get("/signout").status_code == 405  # a link of another site's
        assert client.post("/signout").status_code == 403  # a form of another site's
        assert client.get("/api/review", headers=script).status_code == 200
        token = re.search('name="csrf" content="([^"]+)"', page.text)
        assert token
        assert client.post("/signout", headers={"X-CSRF-Token": token[1]}).status_code == 200
        assert client.get("/api/review", headers=script).status_code == 401


@pytest.mark.asyncio(loop_scope="session")
async def test_the_button_signs_out(console: Console, browser: Browser) -> None:
    context = await browser.new_context(base_url=console.url)
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("body")).to_have_text(
        "You are signed out of the console. Close this tab."
    )
    script = {"Accept": "application/json"}
    assert (await context.request.get("/api/review", headers=script)).status == 401
    await context.close()
