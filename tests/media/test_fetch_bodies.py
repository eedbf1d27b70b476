"""Bodies of every framing: as long as they may be, and no longer than they may take."""

import time

import pytest

from moderator.errors import TransientError
from tests.media.conftest import BODY, Exchange, HostileServer, NewFetcher, refused


def test_returns_chunked_and_close_delimited_bodies(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    def chunked(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")

    def closed(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.0 200 OK\r\n\r\nabc")
        exchange.hang_up()

    server.answers |= {"/chunked": chunked, "/closed": closed}
    fetcher = new_fetcher()
    assert [fetcher.fetch(server.url(path)) for path in ("/chunked", "/closed")] == [b"abc"] * 2


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_a_drip_ends_at_the_total_time(
    server: HostileServer, new_fetcher: NewFetcher, start: bytes
) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(start)
        exchange.drip(b"HTTP/1.1 200 OK, I am coming" * 30, every_seconds=0.05)

    server.answers["/"] = answer
    began = time.monotonic()
    with pytest.raises(TransientError, match="ReadTimeout"):
        new_fetcher(timeout_seconds=0.4).fetch(server.url("/"))
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(("read_seconds", "total_seconds"), [(0.2, 30), (30, 0.2)])
def test_silence_ends_at_the_shorter_time_out(
    server: HostileServer, new_fetcher: NewFetcher, read_seconds: float, total_seconds: float
) -> None:
    server.answers["/"] = Exchange.hang
    fetcher = new_fetcher(read_timeout_seconds=read_seconds, timeout_seconds=total_seconds)
    began = time.monotonic()
    with pytest.raises(TransientError):
        fetcher.fetch(server.url("/"))
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("framing", [b"Transfer-Encoding: chunked", b"X-Length: whatever"])
def test_an_endless_body_is_cut_off(
    server: HostileServer, new_fetcher: NewFetcher, framing: bytes
) -> None:
    chunk = b"400\r\n" + bytes(0x400) + b"\r\n" if b"chunked" in framing else bytes(0x400)

    def answer(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        while not exchange.server.hostile.stopping.is_set():
            exchange.send(chunk)

    server.answers["/"] = answer
    assert refused(new_fetcher(max_bytes=100_000), server.url("/")) == "media_too_large"


def test_a_body_declared_too_large_is_not_read(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
        exchange.hang()

    server.answers["/"] = answer
    assert refused(new_fetcher(max_bytes=1000), server.url("/")) == "media_too_large"


def test_a_body_of_exactly_the_limit_is_taken(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    server.reply("/", BODY)
    assert new_fetcher(max_bytes=len(BODY)).fetch(server.url("/")) == BODY


def test_a_body_that_ends_early_may_be_whole_next_time(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        exchange.hang_up()

    server.answers["/"] = answer
    with pytest.raises(TransientError, match="ended early, after 9 bytes"):
        new_fetcher().fetch(server.url("/"))


def test_a_body_longer_than_declared_ends_where_it_was_to(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more")

    server.answers["/"] = answer
    assert new_fetcher().fetch(server.url("/")) == b"ok"


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_an_encoded_answer_is_refused(
    server: HostileServer, new_fetcher: NewFetcher, encoding: str
) -> None:
    server.reply("/", b"\x1f\x8b", Content_Encoding=encoding)
    assert refused(new_fetcher(), server.url("/")) == "bad_response"


@pytest.mark.parametrize("kind", ["text/html", "application/x-sh", "image/svg+xml", ""])
def test_what_a_body_is_said_to_be_does_not_matter(
    server: HostileServer, new_fetcher: NewFetcher, kind: str
) -> None:
    server.reply("/", BODY, Content_Type=kind)
    assert new_fetcher().fetch(server.url("/")) == BODY
