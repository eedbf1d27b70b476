import base64
import http.server
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from moderator.errors import MediaError, SettingsError, TransientError
from moderator.media.fetch import Fetcher, FetchLimits
from moderator.media.hosts import HostLimits
from tests.media.conftest import Exchange, HostileServer, NewFetcher

BODY = bytes(range(256)) * 300


def refused(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(MediaError) as caught:
        fetcher.fetch(url)
    return caught.value.code


def test_returns_the_bytes(server: HostileServer, new_fetcher: NewFetcher) -> None:
    server.reply("/a.jpg?size=1", BODY)
    assert new_fetcher().fetch(server.url("/a.jpg?size=1")) == BODY


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


def test_sends_no_more_than_it_must(
    server: HostileServer, new_fetcher: NewFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    server.reply("/first", Set_Cookie="who=me; Path=/")
    server.reply("/second")
    fetcher = new_fetcher()
    fetcher.fetch(server.url("/first"))
    fetcher.fetch(server.url("/second#fragment"))
    names = {line.split(":")[0] for line in server.requests[1].splitlines()[1:]}
    assert names == {"Host", "Accept", "Accept-Encoding", "User-Agent"}
    assert server.header("Accept-Encoding") == ["identity"] * 2


def test_connections_are_kept_alive_and_shared_by_threads(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    server.reply("/a", BODY)
    fetcher = new_fetcher()
    with ThreadPoolExecutor(8) as threads:
        bodies = list(threads.map(fetcher.fetch, [server.url("/a")] * 64))
    assert bodies == [BODY] * 64


def test_follows_redirects_up_to_the_limit(server: HostileServer, new_fetcher: NewFetcher) -> None:
    for hop in range(4):
        server.redirect(f"/{hop}", f"/{hop + 1}")
    server.reply("/4", BODY)
    fetcher = new_fetcher()
    assert fetcher.fetch(server.url("/1")) == BODY
    assert refused(fetcher, server.url("/0")) == "bad_redirect"


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://127.0.0.2:{port}/", "url_refused"),  # loopback, not among the exempt networks
        ("http://[::ffff:127.0.0.2]:{port}/", "url_refused"),
        ("http://169.254.169.254:{port}/latest/meta-data/", "url_refused"),
        ("http://127.0.0.1:1/", "url_refused"),
        ("http://user:pass@127.0.0.1:{port}/", "url_refused"),
        ("file:///etc/passwd", "url_refused"),
        ("ftp://127.0.0.1:{port}/", "url_refused"),
        ("//[/", "bad_redirect"),
        ("http://127.0.0.1:{port}/\xff", "bad_redirect"),
        ("", "bad_redirect"),
    ],
)
def test_every_redirect_is_checked_again(
    server: HostileServer, new_fetcher: NewFetcher, location: str, code: str
) -> None:
    where = location.format(port=server.port).encode("latin-1")

    def answer(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 301 x\r\nContent-Length: 0\r\nLocation: " + where + b"\r\n\r\n")

    server.answers["/"] = answer
    assert refused(new_fetcher(file_root="/"), server.url("/")) == code
    assert len(server.requests) == 1


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


def test_a_redirect_does_not_buy_more_time(server: HostileServer, new_fetcher: NewFetcher) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.server.hostile.stopping.wait(0.3)
        exchange.send(b"HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: /\r\n\r\n")

    server.answers["/"] = answer
    with pytest.raises(TransientError):
        new_fetcher(timeout_seconds=0.5, max_redirects=50).fetch(server.url("/"))
    assert len(server.requests) == 2


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


def test_ports_outside_the_list_are_refused(server: HostileServer, new_fetcher: NewFetcher) -> None:
    assert refused(new_fetcher(ports=(80, 443)), server.url("/")) == "url_refused"


def test_a_scheme_outside_the_list_is_refused_also_where_a_redirect_leads(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    fetcher = new_fetcher(schemes=("https",), ports=(443, server.port))
    assert refused(fetcher, server.url("/")) == "url_refused"
    assert server.requests == []


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("media.example", True),
        ("a.cdn.example", True),
        ("cdn.example", False),
        ("notcdn.example", False),
        ("media.example.evil.example", False),
    ],
)
def test_an_allow_list_of_hosts_is_kept_to(
    server: HostileServer, new_fetcher: NewFetcher, host: str, *, allowed: bool
) -> None:
    server.reply("/", BODY)
    fetcher = new_fetcher(
        allow_hosts=("media.example", ".cdn.example"),
        resolve=lambda _host, port, **_: [(0, 0, 0, "", ("127.0.0.1", port))],
    )
    if allowed:
        assert fetcher.fetch(server.url("/", host)) == BODY
    else:
        assert refused(fetcher, server.url("/", host)) == "url_refused"


def test_messages_keep_queries_and_credentials_to_themselves(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    server.reply("/gone", status=404)
    server.reply("/broken", status=500)
    server.reply("/encoded", Content_Encoding="gzip")
    server.redirect("/loop", "/loop?token=s3cret")
    server.redirect("/away", "http://10.0.0.1/?token=s3cret")
    server.redirect("/malformed", "http://[s3cret/")
    for path in list(server.answers):
        server.answers[f"{path}?token=s3cret"] = server.answers[path]
    urls = [server.url(f"{path}?token=s3cret") for path in list(server.answers) if "?" not in path]
    urls += ["http://s3cret:s3cret@127.0.0.1/", "http://10.0.0.1/?s3cret", "http://s3cret:x/"]
    fetcher = new_fetcher(ports=(server.port, 80))
    for url in urls:
        with pytest.raises((MediaError, TransientError)) as caught:
            fetcher.fetch(url)
        assert "s3cret" not in str(caught.value)


def test_networks_are_checked_at_the_start() -> None:
    with pytest.raises(SettingsError, match=r"10\.0\.0\.1/8"):
        Fetcher(FetchLimits(allow_networks=("10.0.0.1/8",)))


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


@pytest.mark.parametrize("kind", ["text/html", "application/x-sh", "image/svg+xml", ""])
def test_what_a_body_is_said_to_be_does_not_matter(
    server: HostileServer, new_fetcher: NewFetcher, kind: str
) -> None:
    server.reply("/", BODY, Content_Type=kind)
    assert new_fetcher().fetch(server.url("/")) == BODY


def test_a_proxy_is_used_when_it_is_set_and_gets_the_name_to_resolve(
    server: HostileServer, new_fetcher: NewFetcher
) -> None:
    server.answers["http://media.example:80/a?b=1"] = lambda exchange: exchange.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    )
    fetcher = new_fetcher(
        proxy=f"http://us%40er:pass@127.0.0.1:{server.port}", ports=(80,), allow_networks=()
    )
    assert fetcher.fetch("http://media.example/a?b=1") == b"ok"
    assert server.header("Host") == ["media.example"]
    expected = base64.b64encode(b"us@er:pass").decode()
    assert server.header("Proxy-Authorization") == [f"Basic {expected}"]


@pytest.mark.parametrize(
    ("status", "code"), [(b"403 Forbidden", "url_refused"), (b"502 Bad Gateway", "unavailable")]
)
def test_a_proxy_has_the_last_word_on_hosts(
    server: HostileServer, new_fetcher: NewFetcher, status: bytes, code: str
) -> None:
    server.answers["media.example:443"] = lambda exchange: exchange.send(
        b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"
    )
    fetcher = new_fetcher(proxy=f"http://127.0.0.1:{server.port}", ports=(443,))
    with pytest.raises((MediaError, TransientError)) as caught:
        fetcher.fetch("https://media.example/?token=s3cret")
    assert caught.value.code == code
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f000001", "017700000001", "localhost", "a.localhost", "[::1]"],
)
def test_with_a_proxy_hosts_that_are_addresses_are_still_checked_here(
    server: HostileServer, new_fetcher: NewFetcher, host: str
) -> None:
    fetcher = new_fetcher(proxy=f"http://127.0.0.1:{server.port}", ports=(80,), allow_networks=())
    assert refused(fetcher, f"http://{host}/") == "url_refused"
    assert server.requests == []


@pytest.mark.parametrize(
    "proxy",
    ["socks5://h:1", "proxy:3128", "http://host", "http://:1", "http://h:1/path", "http://["],
)
def test_a_proxy_that_is_none_is_told_at_the_start_without_its_password(proxy: str) -> None:
    with pytest.raises(SettingsError, match="media proxy") as caught:
        Fetcher(FetchLimits(), proxy=proxy.replace("//", "//user:s3cret@"))
    assert "s3cret" not in str(caught.value)
