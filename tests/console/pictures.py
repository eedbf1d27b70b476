"""Pictures of the console for the documentation: ``python -m tests.console.pictures [FOLDER]``.

Sample posts, screened by the bundled models and policies, on a Kafka and a Redis of their own.
"""

import argparse
import asyncio
import re
import sys
import tempfile
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, async_playwright, expect

from moderator.app import build_core
from moderator.demo.samples.posts import sample_posts
from moderator.errors import PostError
from moderator.posts import Post, decode_post
from moderator.screening import screen_posts
from moderator.settings import Settings
from moderator.verdicts import Verdict
from tests.console.serving import send, serving, settings_for
from tests.services.browser import install
from tests.services.kafka.broker import Kafka
from tests.services.kafka.install import install as install_kafka
from tests.services.redis import Redis
from tests.services.redis import install as install_redis

FOLDER = Path("docs/pictures")
_SIZE = {"width": 1280, "height": 860}
_POSTS = 160
_COLOURS = 256
_BETWEEN = re.compile(r"threshold: 0\.[4-9]\d*")  # above every review line of the policy


def screened(settings: Settings) -> list[tuple[Post, Verdict]]:
    """Sample posts and what the bundled models make of them."""
    posts: list[Post] = []
    for sample in sample_posts(_POSTS, 1):
        try:
            posts.append(
                decode_post(sample.value, max_bytes=settings.max_post_bytes, max_meta_bytes=65536)
            )
        except PostError:
            continue
    core = build_core(settings)
    return list(zip(posts, screen_posts(iter(posts), core, settings), strict=True))


async def take(url: str, settings: Settings, pairs: list[tuple[Post, Verdict]], to: Path) -> None:
    """Photograph the pages in both themes."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=install(announce), args=["--no-sandbox"]
        )
        tab = await chromium.new_page(base_url=url, viewport=_SIZE)  # type: ignore[arg-type]
        await tab.goto("/")
        for start in range(0, len(pairs), 40):
            await send(settings, tuple(pairs[start : start + 40]))
        await expect(tab.get_by_role("row").first).to_be_visible()
        await asyncio.sleep(4)
        await _both(tab, to, "live")
        await tab.goto("/review")
        await expect(tab.locator(".prompts .number").first).to_be_visible(timeout=60_000)
        await expect(tab.locator("#more .similar, #more:empty")).to_be_attached(timeout=30_000)
        await _both(tab, to, "review")
        for _ in range(8):
            await tab.keyboard.press(next(_KEYS))
            await asyncio.sleep(0.4)
        await asyncio.sleep(2)
        await _both(tab, to, "review-next")
        await tab.goto("/work")
        await _both(tab, to, "decisions")
        await _authors(tab, to)
        await chromium.close()


async def _authors(tab: Page, to: Path) -> None:
    """The pages of those who write policies, with something on them."""
    await tab.goto("/playground")
    await tab.select_option("#begin", "community")
    await expect(tab.locator("#verdict")).to_contain_text("Write")  # now the models are warm
    await tab.fill("#text", "Send me your card number and I will double your bitcoin today")
    await tab.get_by_role("button", name="Which words").first.click()
    await expect(tab.locator(".words")).to_be_visible(timeout=30_000)
    await _both(tab, to, "playground")
    await tab.goto("/map")
    await expect(tab.locator("#again")).to_be_enabled(timeout=60_000)
    await tab.locator("#picture .dot.block").last.click()
    await expect(tab.locator("#found .theirs").first).to_be_visible()
    await asyncio.sleep(3)  # pictures are decoded
    await _both(tab, to, "map")
    await tab.goto("/search")
    await tab.fill("#text", "money for nothing, sent by strangers")
    await tab.keyboard.press("Enter")
    await expect(tab.locator("#found li").first).to_be_visible(timeout=60_000)
    await asyncio.sleep(2)  # pictures are decoded
    await _both(tab, to, "search")
    await _stricter(tab)
    await tab.get_by_role("button", name="Compare").click()
    await expect(tab.locator("#comparison table").first).to_be_visible(timeout=60_000)
    await expect(tab.locator("#progress")).to_have_text("", timeout=60_000)
    await tab.locator("#comparison summary").first.click()
    await tab.evaluate("document.querySelector('#draft').scrollTop = 760")
    await _both(tab, to, "compare")


async def _stricter(tab: Page) -> None:
    """The policy in force, its lines lowered, as the draft of the page that compares."""
    await tab.goto("/playground")
    await tab.select_option("#begin", "community")
    await expect(tab.locator("#draft")).to_have_value(re.compile("threshold:"))
    text = await tab.input_value("#draft")
    await tab.fill("#draft", _BETWEEN.sub("threshold: 0.37", text))
    await tab.goto("/policies/diff")


_KEYS = (("b", "a", "j", "w")[place % 4] for place in count())


async def _both(tab: Page, to: Path, name: str) -> None:
    for theme in ("light", "dark"):
        await tab.emulate_media(color_scheme=theme)
        await asyncio.sleep(0.2)
        await save(tab, to / f"{name}-{theme}.png")
    await tab.emulate_media(color_scheme="light")


async def save(tab: Page, path: Path, *, full_page: bool = False) -> None:
    """What a tab shows, in a palette: enough for pages, and a third of the bytes."""
    await tab.screenshot(path=path, full_page=full_page)
    Image.open(path).convert("RGB").quantize(_COLOURS).save(path, optimize=True)


def main() -> None:
    """Take all pictures into the folder."""
    to = wanted_folder(__doc__)
    with ExitStack() as stack:
        _, kafka, redis = services(stack)
        settings = settings_for(kafka.bootstrap, redis.url)
        pairs = screened(settings)
        console = stack.enter_context(serving(settings))
        asyncio.run(take(console.url, settings, pairs, to))


def wanted_folder(said: str | None) -> Path:
    """Where the command line wants the pictures."""
    parser = argparse.ArgumentParser(description=said)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    to: Path = parser.parse_args().folder
    to.mkdir(parents=True, exist_ok=True)
    return to


def services(stack: ExitStack) -> tuple[Path, Kafka, Redis]:
    """A folder for a while, with a Kafka and a Redis that run in it."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (folder / "kafka").mkdir()
    kafka = stack.enter_context(Kafka(install_kafka(announce), folder / "kafka"))
    return folder, kafka, stack.enter_context(Redis(install_redis(announce), folder))


def announce(line: str) -> None:
    """Say what is installed, and where."""
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
