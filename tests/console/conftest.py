"""A console on real services, and a tab of a real Chromium to look at it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis
from playwright.async_api import Browser, Page, async_playwright

from moderator.app import build_workbench
from moderator.authoring.workbench import Workbench
from moderator.encoders.fake import fake_space
from moderator.settings import Settings
from tests.console.serving import Console, serving, settings_for
from tests.services.browser import install, install_axe
from tests.services.kafka.cluster import Cluster
from tests.services.missing import without
from tests.services.packages import Announce, UnavailableError

Serve = Callable[..., Console]
Axe = Callable[[Page], Awaitable[list[str]]]


def _fake_bench(settings: Settings) -> Workbench:
    return build_workbench(settings, fake_space())


@pytest.fixture(scope="session")
def console_redis(redis_url: str) -> Iterator[str]:
    """Return a database of the shared Redis that consoles have for themselves."""
    url = redis_url.rpartition("/")[0] + "/7"
    yield url
    with redis.Redis.from_url(url) as client:
        client.flushdb()


@pytest.fixture
def serve(kafka: Cluster, console_redis: str, policies_file: Path) -> Iterator[Serve]:
    """Return a function that serves consoles with settings of the test's own, on an empty Redis."""
    with redis.Redis.from_url(console_redis) as client:
        client.flushdb()
    with ExitStack() as stack:

        def start(build: Any = _fake_bench, **overrides: Any) -> Console:
            given: dict[str, Any] = {
                "policies": (policies_file,),
                "decoder_processes": 0,
            } | overrides
            settings = settings_for(given.pop("kafka", kafka.bootstrap), console_redis, **given)
            return stack.enter_context(serving(settings, build))

        yield start


@pytest.fixture
def console(serve: Serve) -> Console:
    """Serve one console without authentication."""
    return serve()


@pytest.fixture(scope="session")
def chromium(announce: Announce) -> str:
    """Return the path of Chromium; skip, or fail in CI, where it cannot be had."""
    try:
        return install(announce)
    except UnavailableError as error:
        raise without(f"no Chromium: {error}") from None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, console: Console) -> AsyncIterator[Page]:
    """Open a tab on the console; the test fails for what the tab's console complains of."""
    context = await browser.new_context(base_url=console.url)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    yield page
    await context.close()
    assert not complaints


@pytest.fixture
def axe(announce: Announce) -> Axe:
    """Return a function that lists what the accessibility checker minds, in both themes."""
    try:
        script = install_axe(announce).read_text(encoding="utf-8")
    except UnavailableError as error:
        raise without(f"no axe-core: {error}") from None

    async def check(page: Page) -> list[str]:
        await page.evaluate(script + "; 0")
        found = []
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            result = await page.evaluate("() => axe.run()")
            found += [
                f"{theme}: {each['id']}: {[node['html'][:200] for node in each['nodes']]}"
                for each in result["violations"]
            ]
        return found

    return check
