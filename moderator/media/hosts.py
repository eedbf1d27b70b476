"""Hosts of media: how many requests each gets at once, and a rest for those that keep failing."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from moderator.errors import MediaError, NotAskedError, TransientError

_HOSTS: Final = 10_000  # remembered; the one that was not asked for longest is forgotten


@dataclass(frozen=True, slots=True)
class HostLimits:
    """`at_once` requests to one host; after `failures` in a row it is left alone for a while.

    Only failures that may pass count (time-outs, 5xx, lost connections), and one answer, be it a
    404, makes up for all. After `rest_seconds` a single request is let through to try it again.
    """

    at_once: int = 8
    failures: int = 5
    rest_seconds: float = 30.0


@dataclass
class _Host:
    places: threading.Semaphore
    failures: int = 0
    rests_until: float = 0.0


class Hosts:
    """Keeps one slow or broken host from taking every fetcher. Threads may share it.

    A host is a name with its scheme and port: who names a port on which nothing answers does not
    have the others left alone.
    """

    def __init__(self, limits: HostLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._known: OrderedDict[str, _Host] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def visit(self, name: str, wait_seconds: float) -> Iterator[None]:
        """Hold one of the host's places; a TransientError inside the block counts against it.

        Not a NotAskedError.

        Raises TransientError for a host that rests, or whose places stay taken for `wait_seconds`.
        """
        host = self._host(name)
        self._check(host, name)
        if not host.places.acquire(timeout=wait_seconds):
            raise TransientError(f"{name} is busy with {self._limits.at_once} requests of ours")
        try:
            self._check(host, name, entering=True)  # it may have failed while we waited
            with self._judged(host):
                yield
        finally:
            host.places.release()

    def _host(self, name: str) -> _Host:
        with self._lock:
            if name not in self._known:
                self._known[name] = _Host(threading.Semaphore(self._limits.at_once))
                if len(self._known) > _HOSTS:
                    self._known.popitem(last=False)
            self._known.move_to_end(name)
            return self._known[name]

    def _check(self, host: _Host, name: str, *, entering: bool = False) -> None:
        with self._lock:
            if host.failures < self._limits.failures:
                return
            if (left := host.rests_until - self._clock()) > 0:
                raise TransientError(
                    f"{name} failed {host.failures} times in a row; asked again in {left:.0f} s"
                )
            if entering:  # the one that tries it; the others go on waiting
                host.rests_until = self._clock() + self._limits.rest_seconds

    @contextmanager
    def _judged(self, host: _Host) -> Iterator[None]:
        try:
            yield
        except NotAskedError:
            raise
        except TransientError:
            with self._lock:
                host.failures += 1
                host.rests_until = self._clock() + self._limits.rest_seconds
            raise
        except MediaError:
            self._answered(host)
            raise
        self._answered(host)

    def _answered(self, host: _Host) -> None:
        with self._lock:
            host.failures = 0
