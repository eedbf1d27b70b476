"""Signing in by OpenID Connect, at a provider that runs."""

from collections.abc import Iterator

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.console.conftest import Serve
from tests.console.serving import Console
from tests.services.oidc import CLIENT, SECRET, Provider, providing
from tests.services.process import LOOPBACK, free_port

HTML = {"Accept": "text/html"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing({"sub": "7", "preferred_username": "ada", "groups": ["staff", "ts"]}) as made:
        yield made


@pytest.fixture
def console(serve: Serve, provider: Provider) -> Console:
    port = free_port()
    return serve(
        console_port=port,
        console_url=f"http://{LOOPBACK}:{port}",
        console_auth="oidc",
        console_oidc_issuer=provider.url,
        console_oidc_client=CLIENT,
        console_oidc_secret=SECRET,
        console_moderators=("ts",),
    )


def browsing(console: Console) -> httpx.Client:
    return httpx.Client(base_url=console.url, headers=HTML, follow_redirects=True)


def test_who_is_not_signed_in_is_sent_to_the_provider_and_comes_back(console: Console) -> None:
    with browsing(console) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "Signed in as" in page.text
        assert "ada" in page.text


def test_the_groups_of_the_token_give_the_roles(console: Console, provider: Provider) -> None:
    with browsing(console) as client:
        client.get("/")
        assert client.get("/review").status_code == 200
    provider.claims["groups"] = ["staff"]
    with browsing(console) as client:
        client.get("/")
        assert client.get("/review").status_code == 403


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
        client.get("/")
        client.get("/signout")
        assert client.get("/api/review", headers={"Accept": "*/*"}).status_code == 401
