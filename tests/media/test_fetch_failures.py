"""Hosts that refuse, fail or do not speak HTTP: what is tried again, what is not, what rests."""

import http.server
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from moderator.errors import MediaError, TransientError
from moderator.media.hosts import HostLimits
from tests.media.conftest import BODY, Exchange, HostileServer, NewFetcher, refused


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "media_gone"),
        (403, "media_gone"),
        (404, "media_gone"),
        (410, "media_gone"),
        (204, "bad_response"),
        (206, "bad_response"),
        (300, "bad_response"),
        (304, "bad_response"),
    ],
)
def test_statuses_that_no_retry_mends(
    server: HostileServer, new_fetcher: NewFetcher, status: int, code: str
) -> None:
    server.reply("/", status=status)
    assert refused(new_fetcher(), server.url("/")) == code


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599])
def test_statuses_that_may_pass(
    server: HostileServer, new_fetcher: NewFetcher, status: int
) -> None:
    server.reply("/", status=status)
    with pytest.raises(TransientError, match=f"status {status}"):
        new_fetcher().fetch(server.url("/"))


@pytest.mark.parametrize(
    "noise",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
)
def test_what_is_not_http_is_refused(
    server: HostileServer, new_fetcher: NewFetcher, noise: bytes
) -> None:
    server.answers["/"] = lambda exchange: exchange.send(noise)
    assert refused(new_fetcher(), server.url("/")) == "bad_response"


def test_a_server_that_hangs_up_may_answer_next_time(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    server.answers["/"] = Exchange.hang_up
    with pytest.raises(TransientError):
        new_fetcher().fetch(server.url("/"))


def test_a_connection_refused_may_be_accepted_next_time(new_fetcher: NewFetcher) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: nobody else gets the port
        port = unused.getsockname()[1]
        with pytest.raises(TransientError, match="ConnectError"):
            new_fetcher(ports=(port,)).fetch(f"http://127.0.0.1:{port}/")


def test_a_host_that_keeps_failing_is_not_asked_for_a_while(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    server.reply("/", status=503)
    fetcher = new_fetcher(hosts=HostLimits(failures=2, rest_seconds=60))
    for expected in ("status 503", "status 503", "2 times in a row", "2 times in a row"):
        with pytest.raises(TransientError, match=expected):
            fetcher.fetch(server.url("/"))
    assert len(server.requests) == 2


def test_urls_with_the_wrong_scheme_are_refused_and_leave_the_host_alone(
    new_fetcher: NewFetcher,
) -> None:
    class Honest(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Honest) as honest:
        threading.Thread(target=honest.serve_forever, args=(0.02,)).start()
        try:
            place = f"://127.0.0.1:{honest.server_port}/"
            fetcher = new_fetcher(
                ports=(honest.server_port,), hosts=HostLimits(failures=2, rest_seconds=60)
            )
            for _ in range(5):
                with pytest.raises(MediaError, match="does not speak TLS") as caught:
                    fetcher.fetch(f"https{place}")
                assert caught.value.code == "bad_response"
            assert fetcher.fetch(f"http{place}") == BODY
        finally:
            honest.shutdown()


def test_a_port_that_fails_leaves_the_others_of_a_host_alone(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    server.reply("/", BODY)
    fetcher = new_fetcher(ports=(1, server.port), hosts=HostLimits(failures=2, rest_seconds=60))
    for _ in range(3):
        with pytest.raises(TransientError):
            fetcher.fetch("http://127.0.0.1:1/")
    assert fetcher.fetch(server.url("/")) == BODY


def test_one_host_gets_no_more_requests_at_once_than_its_share(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    inside = threading.Semaphore(2)

    def answer(exchange: Exchange) -> None:
        alone = inside.acquire(blocking=False)
        exchange.server.hostile.stopping.wait(0.02)
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + (b"y" if alone else b"n"))
        inside.release()

    server.answers["/"] = answer
    fetcher = new_fetcher(hosts=HostLimits(at_once=2))
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(fetcher.fetch, [server.url("/")] * 16)) == {b"y"}
