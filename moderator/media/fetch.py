"""Media of strangers over http and https: public addresses only, bounded in size, time and hops."""

import logging
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urljoin

import httpcore

from moderator.errors import MediaError, TransientError
from moderator.media.addresses import literal, parse_networks, refusal
from moderator.media.files import read_file
from moderator.media.hosts import HostLimits, Hosts
from moderator.media.network import PinnedBackend, Resolve, TimedBackend
from moderator.media.proxy import parse_proxy, refusal_by_proxy
from moderator.media.urls import HttpUrl, is_file

_OK: Final = frozenset({200, 203})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_BUSY: Final = frozenset({408, 425, 429})
# Errors of TLS that are a lost connection.
_CUT: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
_IDLE_CONNECTIONS: Final = 32
_IDLE_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a media URL may ask for.

    `timeout_seconds` bounds a fetch as a whole, redirects and DNS included; `read_timeout_seconds`
    each single wait in it. `allow_hosts`, if any, are the only hosts asked; `.example.com` means
    every host below example.com. `allow_networks` are CIDRs exempt from the refusal of addresses
    that are not public. `file_root` is the only folder `file:` URLs may read; None refuses them.
    `hosts` bounds what a single host may take.
    """

    max_bytes: int = 20 * 2**20
    timeout_seconds: float = 5.0
    read_timeout_seconds: float = 2.0
    max_redirects: int = 3
    schemes: tuple[str, ...] = ("http", "https")
    ports: tuple[int, ...] = (80, 443)
    allow_hosts: tuple[str, ...] = ()
    allow_networks: tuple[str, ...] = ()
    file_root: Path | None = None
    hosts: HostLimits = field(default_factory=HostLimits)


class Fetcher:
    """Fetches media, from as many threads as like; connections are kept alive between fetches.

    `resolve` answers like `socket.getaddrinfo`. `ssl_context` replaces the default verification
    (system and certifi authorities).

    Through a `proxy` (http://[user:password@]host:port) the proxy resolves the names, so that it is
    the proxy that must refuse addresses of inner networks, as Stripe's smokescreen does. Here are
    then checked schemes, ports, allowed hosts, and hosts that are written as addresses.

    Raises SettingsError for a network or a proxy that is none.
    """

    def __init__(
        self,
        limits: FetchLimits,
        *,
        resolve: Resolve = socket.getaddrinfo,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
    ) -> None:
        # At DEBUG it would tell the log the headers of every answer: signed locations, cookies.
        logging.getLogger("httpcore").setLevel(logging.INFO)
        self._limits = limits
        self._networks = parse_networks(limits.allow_networks)
        self._hosts = Hosts(limits.hosts)
        self._proxied = proxy is not None
        self._backend = TimedBackend() if self._proxied else PinnedBackend(resolve, self._networks)
        # Neither cookies nor a proxy of the environment: httpcore has none unless told to.
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or httpcore.default_ssl_context(),
            max_connections=None,
            max_keepalive_connections=_IDLE_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=self._backend,
            proxy=None if proxy is None else parse_proxy(proxy),
        )
        self._extensions = {
            "timeout": dict.fromkeys(("connect", "read", "write"), limits.read_timeout_seconds)
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
        self._backend.close()

    def fetch(self, url: str) -> bytes:
        """Return the bytes that `url` leads to, at most `max_bytes`.

        Raises:
            MediaError: what no retry mends: `url_refused`, `bad_redirect`, `media_gone` (4xx),
                `media_too_large`, `bad_certificate`, `bad_response`.
            TransientError: 5xx, 408, 425, 429, time-outs, DNS failures, lost connections.

        Messages show scheme, host and path of a URL, never its query.
        """
        if is_file(url):
            return read_file(url, self._limits.file_root, self._limits.max_bytes)
        with self._backend.within(self._limits.timeout_seconds):
            return self._follow(HttpUrl.parse(url))

    def _follow(self, url: HttpUrl) -> bytes:
        for _ in range(self._limits.max_redirects + 1):
            self._check(url)
            with self._hosts.visit(url.origin, self._backend.left()):
                answer = self._get(url)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise MediaError(
            "bad_redirect", f"more than {self._limits.max_redirects} redirects, the last to {url}"
        )

    def _check(self, url: HttpUrl) -> None:
        if url.scheme not in self._limits.schemes:
            raise MediaError("url_refused", f"{url}: {url.scheme} is not allowed")
        if url.port not in self._limits.ports:
            raise MediaError("url_refused", f"{url}: port {url.port} is not allowed")
        if self._limits.allow_hosts and not self._allows(url.host):
            raise MediaError("url_refused", f"{url}: the host is not among the allowed ones")
        if self._proxied and (why := self._refusal_by_name(url.host)):
            raise MediaError("url_refused", f"{url}: the host is {why}")

    def _refusal_by_name(self, host: str) -> str | None:
        if host == "localhost" or host.endswith(".localhost"):
            return "loopback"
        address = literal(host)
        return None if address is None else refusal(address, self._networks)

    def _allows(self, host: str) -> bool:
        return any(
            host == allowed or (allowed.startswith(".") and host.endswith(allowed))
            for allowed in self._limits.allow_hosts
        )

    def _get(self, url: HttpUrl) -> bytes | HttpUrl:
        try:
            with self._pool.stream(
                "GET",
                httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target),
                headers={
                    "Host": url.authority,
                    "Accept": "image/*, video/*, */*;q=0.5",
                    "Accept-Encoding": "identity",
                    "User-Agent": "moderator",
                },
                extensions=self._extensions,
            ) as response:
                return self._read(url, response)
        except httpcore.ProxyError as err:
            raise refusal_by_proxy(str(url), err) from err
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as err:
            raise _error(url, err) from err

    def _read(self, url: HttpUrl, response: httpcore.Response) -> bytes | HttpUrl:
        headers = {name.lower(): value for name, value in response.headers}
        if response.status in _REDIRECTS:
            return _redirect(url, headers.get(b"location", b""))
        _check_status(url, response.status)
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            raise MediaError("bad_response", f"{url} answers with an encoding nobody asked for")
        return self._body(url, response, int(headers.get(b"content-length", b"0")))

    def _body(self, url: HttpUrl, response: httpcore.Response, declared_bytes: int) -> bytes:
        max_bytes = self._limits.max_bytes
        body = bytearray()
        try:
            # A body that is declared too large is not read at all, and never as large as it likes.
            if declared_bytes <= max_bytes:
                for chunk in response.iter_stream():
                    body += chunk
                    if len(body) > max_bytes:
                        break
                else:
                    return bytes(body)
        except httpcore.RemoteProtocolError as err:
            raise TransientError(f"{url} ended early, after {len(body)} bytes") from err
        raise MediaError("media_too_large", f"{url} has more than {max_bytes} bytes")


def _redirect(url: HttpUrl, location: bytes) -> HttpUrl:
    if not location:
        raise MediaError("bad_redirect", f"{url} redirects to nowhere")
    try:
        return HttpUrl.parse(urljoin(f"{url.origin}{url.target}", location.decode("utf-8")))
    except ValueError:  # the original message quotes the URL
        raise MediaError("bad_redirect", f"{url} redirects to what is no URL") from None


def _check_status(url: HttpUrl, status: int) -> None:
    if status in _OK:
        return
    message = f"{url} answers with status {status}"
    if status in _BUSY or 500 <= status <= 599:  # noqa: PLR2004 - the range is its name
        raise TransientError(message)
    if 400 <= status <= 499:  # noqa: PLR2004 - the range is its name
        raise MediaError("media_gone", message)
    raise MediaError("bad_response", message)


def _error(url: HttpUrl, err: Exception) -> MediaError | TransientError:
    # httpcore wraps what it caught as its first argument, and its pool cuts the chain of causes.
    origin = err.args[0] if err.args else None
    if isinstance(origin, ssl.SSLCertVerificationError):
        return MediaError("bad_certificate", f"{url}: {origin.verify_message}")
    # No TLS on that port, or none that both speak: the URL is at fault, not the host, which anybody
    # could otherwise have left alone by naming the wrong scheme for it.
    if isinstance(origin, ssl.SSLError) and not isinstance(origin, _CUT):
        return MediaError("bad_response", f"{url} does not speak TLS: {origin.reason}"[:400])
    # With nothing wrapped in it, it is not h11's: the host hung up before it answered.
    if isinstance(err, httpcore.ProtocolError) and isinstance(origin, Exception):
        return MediaError("bad_response", f"{url} does not speak HTTP: {origin}"[:400])
    return TransientError(f"{url}: {type(err).__name__} {err}")
