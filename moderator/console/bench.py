"""The models behind the pages: loaded with the first question, one question at a time."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from moderator.authoring.workbench import Workbench
from moderator.errors import TransientError
from moderator.policy.compile import CompiledRules
from moderator.policy.load import load_policies
from moderator.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

_MOST_WAITING: Final = 16


class Busy(TransientError):  # noqa: N818 - what the answer says
    """Too many questions wait for the models."""

    code = "busy"


class Bench:
    """Encoders and compiled rules; they work on a thread of their own, in the order asked."""

    def __init__(self, settings: Settings, build: Callable[[Settings], Workbench]) -> None:
        self.settings = settings
        self._build = build
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bench")
        self._waiting = 0
        self._loaded: tuple[Workbench, CompiledRules] | None = None

    async def run(self, work: Callable[[Workbench, CompiledRules], T]) -> T:
        """What `work` makes of the models and the rules. Raises Busy, and what `work` raises.

        Raises StartupError where there are no models or the policies are wrong.
        """
        if self._waiting >= _MOST_WAITING:
            raise Busy(f"{self._waiting} questions wait for the models; ask again in a moment")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._run, work)
        finally:
            self._waiting -= 1

    def _run(self, work: Callable[[Workbench, CompiledRules], T]) -> T:
        if self._loaded is None:
            log.info("loading models for the console")
            workbench = self._build(self.settings)
            rules = workbench.compile(load_policies(self.settings.policies))
            self._loaded = workbench, rules
        return work(*self._loaded)

    def close(self) -> None:
        """Take no more questions, and let go of fetchers."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._loaded is not None:
            self._loaded[0].loader.close()
