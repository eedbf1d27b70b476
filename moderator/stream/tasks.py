"""What runs side by side in the hot path."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """Runs them until they are done. A bug in one stops the worker; nothing is lost by that."""

    def __init__(self, stop: Callable[[], None]) -> None:
        """`stop` is called when one ends by a bug, which is in `failure` then."""
        self._stop = stop
        self._running: set[asyncio.Task[None]] = set()
        self._ended = False
        self.failure: BaseException | None = None

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run beside everything else."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def end(self, *, but: asyncio.Task[None] | None) -> None:
        """Cancel all others; whatever becomes of them is no bug any more."""
        self._ended = True
        for task in self._running - {but}:
            task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._ended:
            return
        # Cancelled by somebody else: its posts would never be answered. Not a CancelledError, which
        # would look as if whoever waits for the worker had cancelled it.
        error = (
            RuntimeError(f"somebody cancelled {task!r}") if task.cancelled() else task.exception()
        )
        if error:
            log.error("the worker stops because of a bug", exc_info=error)
            self.failure = error
            self._stop()
