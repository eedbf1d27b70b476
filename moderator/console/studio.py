"""What the pages for authors share: the policies in force, drafts, recent posts, dropped images."""

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from starlette.requests import Request

from moderator.authoring.workbench import Workbench
from moderator.cache.memory import MemoryCache
from moderator.console.corpus import Corpus
from moderator.console.pages import parts
from moderator.console.parts import Parts
from moderator.console.workshop.trial import Drafts
from moderator.errors import InferenceError, InputError, PolicyError, TransientError
from moderator.policy.compile import CompiledRules
from moderator.policy.policyset import PolicySet
from moderator.stream.files import FileWatch

T = TypeVar("T")

MOST_IMAGE_BYTES: Final = 8 * 2**20
_IMAGES_BYTES: Final = 8 * MOST_IMAGE_BYTES
_VECTORS: Final = 20_000  # of prompts; those of drafts stay out of the worker's cache
_SECONDS: Final = 20.0


class Images:
    """Images that people dropped, so that a browser sends each once; the latest few."""

    def __init__(self, most_bytes: int = _IMAGES_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def put(self, content: bytes) -> str:
        """Keep an image; the name to ask for it by."""
        name = hashlib.sha256(content).hexdigest()
        self._kept[name] = content
        self._kept.move_to_end(name)
        while sum(map(len, self._kept.values())) > self._most_bytes:
            self._kept.popitem(last=False)
        return name

    def get(self, name: str | None) -> bytes | None:
        """Raises InputError where it is not kept any longer."""
        if name is None:
            return None
        if name not in self._kept:
            raise InputError("gone", "the image is not here any longer; choose it again")
        return self._kept[name]


class Studio:
    """Made with the first question, one for each console."""

    def __init__(self, console: Parts) -> None:
        self.images = Images()
        self.corpus = Corpus(console.settings, console.state, console.bench)
        self._bench = console.bench
        self._watch = FileWatch(console.settings.policies)
        self._lock = threading.Lock()
        self._policies: PolicySet | None = None
        self._drafts: Drafts | None = None

    async def policies(self) -> PolicySet:
        """The policies that the console's files hold now. Raises PolicyError."""
        return await asyncio.to_thread(self._load)

    async def run(self, work: Callable[[Drafts], T]) -> T:
        """Have the models do something with drafts.

        Raises what `work` does; InputError where it cannot be encoded, TransientError where it
        takes too long. A thread cannot be stopped: it keeps its turn at the models until it ends.
        """
        policies = await self.policies()

        def at_work(bench: Workbench, _: CompiledRules) -> T:
            return work(self._drafts_of(bench, policies))

        try:
            async with asyncio.timeout(_SECONDS):
                return await self._bench.run(at_work)
        except TimeoutError as error:
            raise TransientError(f"this took more than {_SECONDS:g} s; try less at once") from error
        except InferenceError as error:
            raise InputError(error.code, f"the models cannot read this: {error}") from error

    def _load(self) -> PolicySet:
        with self._lock:
            if self._policies is None:
                self._policies = self._watch.load()
            elif self._watch.have_changed():
                try:
                    self._policies = self._watch.load()
                except PolicyError:  # as the worker does: what was in force stays
                    return self._policies
            return self._policies

    def _drafts_of(self, bench: Workbench, policies: PolicySet) -> Drafts:
        if self._drafts is None or self._drafts.in_force is not policies:
            cache = self._drafts.bench.cache if self._drafts else MemoryCache(_VECTORS)
            self._drafts = Drafts(replace(bench, cache=cache), policies)
        return self._drafts


def studio(request: Request) -> Studio:
    """The studio of the console that was asked."""
    state = request.app.state
    if not hasattr(state, "studio"):
        state.studio = Studio(parts(request))
    found: Studio = state.studio
    return found
