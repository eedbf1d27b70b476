"""Fetching by way of a proxy, which has the last word but not the only one."""

import base64

import pytest

from moderator.errors import MediaError, SettingsError, TransientError
from moderator.media.fetch import Fetcher, FetchLimits
from tests.media.conftest import HostileServer, NewFetcher, refused


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
