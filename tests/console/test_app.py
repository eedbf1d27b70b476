"""The console as a whole: its pages are accessible, and protected in a browser."""

import pytest
from playwright.async_api import Page as Tab

from moderator.console.app import PAGES
from tests.console.conftest import Axe
from tests.console.serving import Console

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("path", [page.path for page in PAGES])
async def test_no_page_has_anything_the_accessibility_checker_minds(
    path: str, page: Tab, axe: Axe
) -> None:
    await page.goto(path)
    assert await axe(page) == []


async def test_a_page_has_a_policy_against_inline_scripts(console: Console, page: Tab) -> None:
    answer = await page.goto("/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
