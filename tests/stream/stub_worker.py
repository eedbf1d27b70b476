"""A worker whose hot path crashes or hangs, as the argument says: what `stub` starts."""

import asyncio
import sys

from moderator.metrics import Metrics
from moderator.settings import load_settings
from moderator.stream.app import make_app, run_worker


class StubHotPath:
    """Stands where the real one does and fails in the way that was asked for."""

    ready = True
    stalled_seconds = 100.0 if sys.argv[1] == "hang" else 0.0

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        if sys.argv[1] == "crash":
            raise RuntimeError("a bug in the hot path")
        await self._stopped.wait()

    def stop(self) -> None:
        """Ignored if it hangs."""
        if sys.argv[1] == "work":
            self._stopped.set()


if __name__ == "__main__":
    settings = load_settings()
    run_worker(make_app(settings, StubHotPath(), Metrics()), settings)  # type: ignore[arg-type]
