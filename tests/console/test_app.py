"""The console as a whole: its pages are accessible, and protected in a browser."""

import pytest
from playwright.async_api import Page as Tab

from moderator.console.app import PAGES
from tests.console.asking import asking
from tests.console.conftest import Axe
from tests.console.serving import Console


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("path", [page.path for page in PAGES])
async def test_no_page_has_anything_the_accessibility_checker_minds(
    path: str, page: Tab, axe: Axe
) -> None:
    await page.goto(path)
    assert await axe(page) == []


@pytest.mark.asyncio(loop_scope="session")
async def test_a_page_has_a_policy_against_inline_scripts(console: Console, page: Tab) -> None:
    answer = await page.goto("/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/review?order=sideways", 400),
        (f"/media/key/digest/{'9' * 5_000}", 404),
        ("/media/key/digest/-1", 404),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_not_an_error_of_ours(
    console: Console, path: str, status: int
) -> None:
    with console.client() as client:
        assert client.get(path).status_code == status


def test_json_too_deep_to_read_is_refused(console: Console) -> None:
    with asking(console) as asked:
        answer = asked.post("/api/search", b'{"text": ' + b"[" * 30_000 + b"]" * 30_000 + b"}")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"}, 200),
        ({}, 200),
    ],
)
def test_another_site_may_link_here_but_load_nothing(
    console: Console, headers: dict[str, str], status: int
) -> None:
    with console.client(**headers) as client:
        assert client.get("/").status_code == status
