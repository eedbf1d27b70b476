"""What Prometheus shows of a worker, for docs/operators.md: ``python -m tests.deploy.pictures``.

A real worker on the bundled models, sample posts, the rules and alerts as they are shipped; its
Redis goes away for the end, so that an alert can be seen. Takes about three minutes.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

from playwright.async_api import async_playwright

from tests.console.pictures import announce, save, services, wanted_folder
from tests.deploy.conftest import DEPLOY
from tests.services.browser import install
from tests.services.process import free_port
from tests.services.prometheus import Prometheus
from tests.services.prometheus import install as install_prometheus
from tests.services.redis import Redis
from tests.stream.harness import Worker

# Instead of where it lies on this machine.
_NAME_THE_FILE = """name => { for (const cell of document.querySelectorAll('td'))
  if (/^\\S*alerts\\.yml > moderator$/.test(cell.innerText.trim())) cell.innerText = name; }"""
_RULES = ("recording.yml", "alerts.yml")
_SIZE = {"width": 1280, "height": 1000}
_PER_SECOND = 12.0
_SECONDS = 130.0  # of traffic before the first picture
_GRAPHS = (
    "sum by (action) (rate(moderator_verdicts_total[1m]))",
    '{__name__=~"moderator:end_to_end_seconds:p50|moderator:end_to_end_seconds:p99"}',
)


async def take(url: str, redis: Redis, to: Path) -> None:
    """Photograph the graphs, then the alerts once the worker's Redis is away."""
    graphs = {
        f"g{place}.{name}": value
        for place, expression in enumerate(_GRAPHS)
        for name, value in (("expr", expression), ("tab", "0"), ("range_input", "2m"))
    }
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=install(announce), args=["--no-sandbox"]
        )
        tab = await chromium.new_page(viewport=_SIZE)  # type: ignore[arg-type]
        await tab.goto(f"{url}/graph?{urlencode(graphs)}")
        await asyncio.sleep(5)
        await save(tab, to / "prometheus.png", full_page=True)
        redis.stop()
        await asyncio.sleep(40)
        # Debian's package has the classic pages alone.
        await tab.goto(tab.url.partition("/graph")[0] + "/alerts")
        await asyncio.sleep(2)
        await tab.get_by_text("ModeratorCacheAway").first.click()
        await asyncio.sleep(1)
        await tab.evaluate(_NAME_THE_FILE, "deploy/prometheus/alerts.yml > moderator")
        await save(tab, to / "alerts.png")
        await chromium.close()


def main() -> None:
    """Take both pictures into the folder."""
    to = wanted_folder(__doc__)
    with ExitStack() as stack:
        folder, kafka, redis = services(stack)
        settings = {"kafka": kafka.bootstrap, "redis": redis.url, "web_port": free_port()}
        worker = Worker(folder / "worker.log", settings, ("-m", "moderator", "worker"))
        stack.callback(worker.stop)
        worker.start()
        prometheus = stack.enter_context(
            Prometheus(
                install_prometheus(announce),
                folder,
                targets=[worker.url.removeprefix("http://")],
                rules=[(DEPLOY / "prometheus" / name).resolve() for name in _RULES],
            )
        )
        with _fed(settings):
            time.sleep(_SECONDS)
            asyncio.run(take(prometheus.url, redis, to))


@contextmanager
def _fed(settings: Mapping[str, object]) -> Iterator[None]:
    """Sample posts, as compose sends them, until the end of the block."""
    given = {f"MODERATOR_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "moderator.demo.feed", "--per-second", str(_PER_SECOND)]
    with subprocess.Popen(command, env={**os.environ, **given}) as feed:
        try:
            yield
        finally:
            feed.kill()


if __name__ == "__main__":
    main()
