import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from moderator.errors import MediaError, NotAskedError, TransientError
from moderator.media.fetch import Fetcher, FetchLimits
from moderator.media.hosts import HostLimits
from tests.media.conftest import HostileServer, NewFetcher
from tests.services.missing import without


class Names:
    """A resolver that answers from a list of answers, in turn, and counts how often it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = answers
        self.asked = 0

    def __call__(self, host: str, port: int, *, type: int) -> Iterable[tuple[object, ...]]:  # noqa: A002
        addresses = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return [(0, type, 0, host, (address, port)) for address in addresses]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "１２７.0.0.1",  # noqa: RUF001 - full-width digits are the point
        "127。0。0。1",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST.",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.100.100.200",
        "169.254.169.254",
        "2852039166",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::169.254.169.254]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ],
)
def test_no_spelling_of_an_inner_address_gets_through(new_fetcher: NewFetcher, host: str) -> None:
    with pytest.raises(MediaError) as caught:
        new_fetcher(ports=(80,), allow_networks=()).fetch(f"http://{host}/")
    assert caught.value.code == "url_refused"


def test_one_inner_address_among_public_ones_is_enough_to_refuse(new_fetcher: NewFetcher) -> None:
    names = Names(["93.184.215.14", "10.0.0.1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
    with pytest.raises(MediaError, match=r"media\.example leads to an address that is private"):
        new_fetcher(resolve=names, ports=(80,)).fetch("http://media.example/")


def test_the_checked_address_is_the_one_connected_to(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    server.reply("/", b"ok")
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    assert new_fetcher(resolve=names).fetch(server.url("/", "rebound.example")) == b"ok"
    assert names.asked == 1
    assert server.header("Host") == [f"rebound.example:{server.port}"]


def test_a_name_is_checked_again_for_every_connection(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    server.reply("/", b"ok", Connection="close")
    fetcher = new_fetcher(resolve=Names(["127.0.0.1"], ["10.0.0.1"]))
    assert fetcher.fetch(server.url("/", "rebound.example")) == b"ok"
    with pytest.raises(MediaError, match="private"):
        fetcher.fetch(server.url("/", "rebound.example"))


def test_the_next_address_is_tried_when_one_does_not_answer(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    server.reply("/", b"ok")
    names = Names(["127.0.0.3", "127.0.0.1"])
    fetcher = new_fetcher(resolve=names, allow_networks=("127.0.0.0/8",))
    assert fetcher.fetch(server.url("/", "two.example")) == b"ok"


@pytest.mark.parametrize("found", [[], socket.gaierror(-2, "Name or service not known")])
def test_a_name_that_does_not_resolve_may_do_so_later(
    new_fetcher: NewFetcher, found: list[tuple[object, ...]] | OSError
) -> None:
    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        if isinstance(found, OSError):
            raise found
        return found

    with pytest.raises(TransientError):
        new_fetcher(resolve=resolve, ports=(80,)).fetch("http://nowhere.example/")


def test_a_slow_name_server_is_not_waited_for(new_fetcher: NewFetcher) -> None:
    answered = threading.Event()

    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        answered.wait(10)
        return []

    began = time.monotonic()
    with pytest.raises(TransientError, match="not resolved in time"):
        new_fetcher(resolve=resolve, ports=(80,), timeout_seconds=0.2).fetch("http://slow.example/")
    assert time.monotonic() - began < 1.5
    answered.set()


def test_names_that_are_never_answered_have_no_honest_host_left_alone(
    server: HostileServer, new_fetcher: NewFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderator.media.network._RESOLVER_THREADS", 2)
    answer = threading.Event()

    def resolve(host: str, port: int, *, type: int) -> list[tuple[object, ...]]:  # noqa: A002
        if host.startswith("slow"):
            answer.wait(10)
        return [(0, type, 0, host, ("127.0.0.1", port))]

    server.reply("/", b"ok")
    fetcher = new_fetcher(
        resolve=resolve, timeout_seconds=0.5, hosts=HostLimits(failures=2, rest_seconds=60)
    )
    for place in range(2):
        with pytest.raises(TransientError, match="not resolved in time"):
            fetcher.fetch(server.url("/", f"slow{place}.example"))
    for _ in range(3):
        with pytest.raises(NotAskedError, match="too many names"):
            fetcher.fetch(server.url("/", "honest.example"))
    answer.set()
    assert fetcher.fetch(server.url("/", "honest.example")) == b"ok"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a self-signed certificate for media.example, key included."""
    if shutil.which("openssl") is None:
        raise without("needs the openssl command to make a certificate")
    path = tmp_path / "media.example.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=media.example", "-addext", "subjectAltName=DNS:media.example"]
    files = ["-keyout", str(path.with_suffix(".key")), "-out", str(path)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return path


def test_tls_verifies_the_name_and_not_the_address(
    certificate: Path, new_fetcher: NewFetcher
) -> None:
    asked_for: list[str] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
    tls.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with HostileServer(tls) as secure:
        secure.reply("/", b"ok", Connection="close")
        names = Names(["127.0.0.1"])
        fetch = new_fetcher(resolve=names, tls=trusting, ports=(secure.port,)).fetch
        assert fetch(f"https://media.example:{secure.port}/") == b"ok"
        assert asked_for == ["media.example"]
        with pytest.raises(MediaError, match=r"other\.example") as caught:
            fetch(f"https://other.example:{secure.port}/")
        assert caught.value.code == "bad_certificate"
        limits = FetchLimits(ports=(secure.port,), allow_networks=("127.0.0.1/32",))
        with (
            Fetcher(limits, resolve=Names(["127.0.0.1"])) as fetcher,
            pytest.raises(MediaError, match="self-signed") as caught,
        ):
            fetcher.fetch(f"https://media.example:{secure.port}/")
        assert caught.value.code == "bad_certificate"
