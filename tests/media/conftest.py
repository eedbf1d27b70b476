"""A web server that does what a hostile or broken one does, on a free loopback port."""

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Self

import pytest

from moderator.errors import MediaError
from moderator.media.fetch import Fetcher, FetchLimits
from moderator.media.network import Resolve

Answer = Callable[["Exchange"], None]
NewFetcher = Callable[..., Fetcher]
BODY = bytes(range(256)) * 300


class Exchange(socketserver.StreamRequestHandler):
    """One connection; answers request after request until an answer or the client ends it."""

    timeout = 5  # seconds; a connection kept alive must not outlive the test
    server: "_TcpServer"

    def handle(self) -> None:
        try:
            while head := self._head():
                self.server.hostile.requests.append(head)
                self.server.hostile.answers[head.split(" ")[1]](self)
        except OSError:
            pass  # the client has seen enough, or the answer hung up

    def send(self, content: bytes) -> None:
        self.wfile.write(content)

    def drip(self, content: bytes, every_seconds: float) -> None:
        for byte in content:
            if self.server.hostile.stopping.wait(every_seconds):
                return
            self.send(bytes([byte]))

    def hang(self) -> None:
        self.server.hostile.stopping.wait(10)

    def hang_up(self) -> None:
        raise ConnectionError

    def _head(self) -> str:
        lines = iter(lambda: self.rfile.readline(65536), b"\r\n")
        head = b""
        for line in lines:
            if not line:
                return ""
            head += line
        return head.decode("latin-1")


class _TcpServer(socketserver.ThreadingTCPServer):
    hostile: "HostileServer"

    def handle_error(self, *_: object) -> None:
        pass  # a client that refuses the certificate breaks the handshake; that is the test


class HostileServer:
    """Answers paths as it was told; remembers the head of every request."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []
        self.stopping = threading.Event()
        self._server = _TcpServer(("127.0.0.1", 0), Exchange)
        self._server.hostile = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def reply(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> None:
        """Answer `path` properly; `headers` are spelt with underscores for hyphens."""
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        content = "\r\n".join([*lines, "", ""]).encode() + body
        self.answers[path] = lambda exchange: exchange.send(content)

    def redirect(self, path: str, location: str) -> None:
        self.reply(path, status=302, Location=location)

    def header(self, name: str) -> list[str]:
        """All values of a header in the requests seen."""
        found = re.compile(rf"^{name}: (.*?)\r$", re.IGNORECASE | re.MULTILINE)
        return [value for head in self.requests for value in found.findall(head)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture
def new_fetcher(server: HostileServer) -> Iterator[NewFetcher]:
    """Return a function that makes a Fetcher for the server; its arguments are FetchLimits."""
    fetchers: list[Fetcher] = []

    def make(
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
        **limits: object,
    ) -> Fetcher:
        settings: dict[str, object] = {
            "ports": (server.port,),
            "allow_networks": ("127.0.0.1/32",),
            "timeout_seconds": 3.0,
            "read_timeout_seconds": 1.0,
        }
        found = FetchLimits(**(settings | limits))  # type: ignore[arg-type]
        # An empty context, because loading all authorities takes longer than most of these tests.
        tls = tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        fetchers.append(
            Fetcher(found, resolve=resolve or socket.getaddrinfo, ssl_context=tls, proxy=proxy)
        )
        return fetchers[-1]

    yield make
    for fetcher in fetchers:
        fetcher.close()


def refused(fetcher: Fetcher, url: str) -> str:
    """The code that a fetch is refused with."""
    with pytest.raises(MediaError) as caught:
        fetcher.fetch(url)
    return caught.value.code
