"""Connections that go where they were checked to go, and end when their time is up."""

import contextlib
import ipaddress
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import httpcore

from moderator.errors import MediaError, NotAskedError, TransientError
from moderator.media.addresses import Network, refusal

_RESOLVER_THREADS: Final = 32  # a name whose server never answers holds one for half a minute
_ADDRESSES_TRIED: Final = 4


class Resolve(Protocol):
    """The shape of `socket.getaddrinfo`, as far as it is used."""

    def __call__(self, host: str, port: int, *, type: int) -> Iterable[tuple[Any, ...]]:  # noqa: A002 - its name
        """Return tuples whose last member starts with an address; OSError if there is none."""


class Deadline(threading.local):
    """The moment, on the monotonic clock, when the fetch of the current thread must be over.

    Kept per thread because connections are kept alive between fetches: whoever reads from one
    reads by its own deadline.
    """

    at = math.inf

    def left(self, timeout: float | None = None) -> float:
        """Seconds that are left, at most `timeout`; httpcore.ReadTimeout when none are."""
        seconds = self.at - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout("the total time is used up")
        return seconds if timeout is None else min(seconds, timeout)


class TimedBackend(httpcore.NetworkBackend):
    """Connects to any address, within the time of the thread: the way to a proxy of our own."""

    def __init__(self) -> None:
        self._tcp = httpcore.SyncBackend()
        self._deadline = Deadline()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Bound everything this thread does on connections of this backend to `seconds` in all."""
        self._deadline.at = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline.at = math.inf

    def left(self) -> float:
        """Seconds this thread has left; httpcore.ReadTimeout when there are none."""
        return self._deadline.left()

    def close(self) -> None:
        """Let go of threads, if there are any."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; raises errors of httpcore and `_addresses`."""
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port)[:_ADDRESSES_TRIED]:
            seconds = self._deadline.left(timeout)
            try:
                stream = self._tcp.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as err:
                failure = err
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:  # noqa: ARG002 - for those who look up
        """Where to connect to for a host: the system resolves its name."""
        return [host]


class PinnedBackend(TimedBackend):
    """Resolves a name once, checks every address of it, and connects to one that was checked.

    A name that has one refused address among good ones is refused altogether: it is either
    misconfigured or made to be tried again until the wrong one is picked.
    """

    def __init__(self, resolve: Resolve, allowed: tuple[Network, ...]) -> None:
        super().__init__()
        self._resolve = resolve
        self._allowed = allowed
        # getaddrinfo takes no time-out; waiting for it elsewhere is the only way to stop waiting.
        self._resolvers = ThreadPoolExecutor(_RESOLVER_THREADS, "media-dns")

    def close(self) -> None:
        """Let go of the resolver threads; a lookup under way is not waited for."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    def _addresses(self, host: str, port: int) -> list[str]:
        """Look up and check all of them.

        Raises MediaError (`url_refused`) for an address that is not public, TransientError for a
        name that does not resolve, NotAskedError for one that nobody had the time to look up.
        """
        addresses = self._look_up(host, port)
        for address in addresses:
            if why := refusal(ipaddress.ip_address(address), self._allowed):
                raise MediaError("url_refused", f"{host} leads to an address that is {why}")
        return addresses

    def _look_up(self, host: str, port: int) -> list[str]:
        lookup = self._resolvers.submit(self._resolve, host, port, type=socket.SOCK_STREAM)
        try:
            found = lookup.result(self._deadline.left())
        except TimeoutError as err:
            if lookup.cancel():  # others before it in the queue take all the threads
                raise NotAskedError(f"{host}: too many names are being resolved") from err
            raise TransientError(f"{host} was not resolved in time") from err
        except (OSError, UnicodeError) as err:
            raise TransientError(f"{host} does not resolve: {err}") from err
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every wait is cut at the deadline of the thread that waits."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self._deadline.left(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
