"""Redirects: each is checked like the first URL, and none buys time."""

import pytest

from moderator.errors import TransientError
from tests.media.conftest import BODY, Exchange, HostileServer, NewFetcher, refused


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


def test_a_redirect_does_not_buy_more_time(server: HostileServer, new_fetcher: NewFetcher) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.server.hostile.stopping.wait(0.3)
        exchange.send(b"HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: /\r\n\r\n")

    server.answers["/"] = answer
    with pytest.raises(TransientError):
        new_fetcher(timeout_seconds=0.5, max_redirects=50).fetch(server.url("/"))
    assert len(server.requests) == 2
