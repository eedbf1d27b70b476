"""The console in a browser at 10,000 verdicts a minute: ``python -m tests.bench.console``.

Frames a second of the live page, the tab's own memory, and the time to its first view on loopback;
with the feed, Redis and Chromium on the same machine. Bars: 30 frames/s, 150 MB, 1 s.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path

import msgspec
import psutil
from playwright.async_api import Page, async_playwright

from moderator.settings import Settings
from moderator.stream.clients import make_producer, started
from moderator.verdicts import encode_verdict
from tests.console.serving import a_post, a_verdict, serving, settings_for
from tests.services.browser import install
from tests.services.kafka.broker import Kafka
from tests.services.kafka.install import install as install_kafka
from tests.services.redis import Redis
from tests.services.redis import install as install_redis

PER_MINUTE = 10_000
_TICKS_PER_SECOND = 10
_FRAMES = """seconds => new Promise(done => {
  const times = [];
  const end = performance.now() + seconds * 1000;
  const frame = now => { times.push(now); now < end ? requestAnimationFrame(frame) : done(times); };
  requestAnimationFrame(frame);
})"""
_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


async def feed(settings: Settings) -> None:
    """Posts and verdicts at the pace, until cancelled."""
    text = "the quick brown fox jumps over the lazy dog " * 4
    actions, sent, began = ("allow", "allow", "allow", "block", "limit"), 0, time.monotonic()
    async with started(make_producer(settings)) as producer:
        while True:
            due = int((time.monotonic() - began) * PER_MINUTE / 60)
            for number in range(sent, due):
                post = a_post(f"post-{number}", f"{number} {text}", surface="feed")
                verdict = a_verdict(post, actions[number % len(actions)])
                key = post.id.encode()
                value = msgspec.json.encode(post)
                await producer.send(settings.posts_topic, value, key=key)
                await producer.send(settings.verdicts_topic, encode_verdict(verdict), key=key)
            sent = due
            await asyncio.sleep(1 / _TICKS_PER_SECOND)


async def measure(url: str, settings: Settings, seconds: float) -> None:
    """Print the figures."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=install(_announce), args=["--no-sandbox"]
        )
        firsts = [await _first_view(await chromium.new_page(base_url=url)) for _ in range(5)]
        print(f"first view: {statistics.median(firsts):.0f} ms (median of 5; bar 1000)")
        before = _renderers()
        tab = await chromium.new_page(base_url=url)
        await tab.goto("/")
        feeding = asyncio.create_task(feed(settings))
        await asyncio.sleep(seconds / 2)  # until the list is long
        times = await tab.evaluate(_FRAMES, seconds)
        gaps = [later - earlier for earlier, later in pairwise(times)]
        rate = await tab.locator("#rate").inner_text()
        shown = await tab.locator("#shown").inner_text()
        print(f"verdicts: {rate} a second; {shown} in the list")
        print(f"frames: {1000 * len(gaps) / sum(gaps):.1f} a second (bar 30)")
        print(f"slowest 1 % of frames: {sorted(gaps)[int(len(gaps) * 0.99)]:.0f} ms")
        session = await tab.context.new_cdp_session(tab)
        await session.send("HeapProfiler.collectGarbage")
        heap = (await session.send("Runtime.getHeapUsage"))["usedSize"]
        own = [each.memory_full_info().uss for each in _renderers() - before if each.is_running()]
        print(
            f"memory: {max(own, default=0) / 2**20:.0f} MB of the tab's process (bar 150), ", end=""
        )
        print(f"{heap / 2**20:.1f} MB of it JavaScript")
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await chromium.close()


async def _first_view(tab: Page) -> float:
    await tab.goto("/")
    painted = await tab.wait_for_function(_PAINT)
    found: float = await painted.json_value()
    await tab.close()
    return found


def _renderers() -> set[psutil.Process]:
    found = set()
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has just ended
            if "--type=renderer" in each.cmdline():
                found.add(each)
    return found


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="to count frames for")
    seconds = parser.parse_args().seconds
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "kafka").mkdir()
        kafka = stack.enter_context(Kafka(install_kafka(_announce), folder / "kafka"))
        redis = stack.enter_context(Redis(install_redis(_announce), folder))
        settings = settings_for(kafka.bootstrap, redis.url)
        console = stack.enter_context(serving(settings))
        asyncio.run(measure(console.url, settings, seconds))


def _announce(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
