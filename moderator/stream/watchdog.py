"""Ends a worker that is alive and gets nowhere, so that its posts go elsewhere."""

import logging
import os
import threading
import time
from typing import Protocol

log = logging.getLogger(__name__)

EXIT_STALLED = 71


class Watched(Protocol):
    """What can get stuck."""

    @property
    def stalled_seconds(self) -> float:
        """How long it has got nowhere; 0 when there is nothing to do."""
        ...


def watch(watched: Watched, most_seconds: float) -> threading.Thread:
    """Look from a thread of its own, which also sees an event loop that is stuck.

    The process ends at once: whatever hangs would hang its end, too. Offsets are not committed, so
    that the next owner reads again what was in flight, and knows how this one went.
    """

    def look() -> None:
        while (stalled := watched.stalled_seconds) < most_seconds:
            time.sleep(most_seconds / 8)
        log.critical("nothing was answered for %.0f s; the worker ends itself", stalled)
        os._exit(EXIT_STALLED)

    thread = threading.Thread(target=look, name="watchdog", daemon=True)
    thread.start()
    return thread
