"""Requests from other sites, under other names, and without a token."""

import re

import httpx
import pytest

from tests.console.serving import Console


def token(client: httpx.Client) -> str:
    found = re.search('name="csrf" content="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


def test_a_request_with_its_token_is_let_in(console: Console) -> None:
    with console.client() as client:
        headers = {"X-CSRF-Token": token(client), "Origin": console.url}
        answer = client.post("/api/review/next", json={}, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"id": None})


@pytest.mark.parametrize("given", [None, "", "wrong"])
def test_a_request_without_its_token_is_refused(console: Console, given: str | None) -> None:
    with console.client() as client:
        token(client)
        headers = {} if given is None else {"X-CSRF-Token": given}
        answer = client.post("/api/review/next", json={}, headers=headers)
        assert answer.status_code == 403


def test_a_token_without_a_session_is_none(console: Console) -> None:
    with console.client() as client:
        stolen = token(client)
    answer = httpx.post(f"{console.url}/api/review/next", headers={"X-CSRF-Token": stolen})
    assert answer.status_code == 403


def test_a_request_from_another_site_is_refused_even_with_its_token(console: Console) -> None:
    with console.client() as client:
        headers = {"X-CSRF-Token": token(client), "Origin": "https://evil.example"}
        assert client.post("/api/review/next", json={}, headers=headers).status_code == 403


def test_another_name_for_our_address_is_refused(console: Console) -> None:
    with console.client() as client:
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_the_session_is_kept_from_scripts_and_other_sites(console: Console) -> None:
    with console.client() as client:
        cookie = client.get("/").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_answers_carry_the_headers_that_keep_browsers_safe(console: Console) -> None:
    with console.client() as client:
        for path in ("/", "/static/console.css", "/nothing", "/api/review"):
            headers = client.get(path).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
