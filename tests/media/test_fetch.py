"""What is asked of a host, and what is never told."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from moderator.errors import MediaError, SettingsError, TransientError
from moderator.media.fetch import Fetcher, FetchLimits
from tests.media.conftest import BODY, HostileServer, NewFetcher, refused


def test_returns_the_bytes(server: HostileServer, new_fetcher: NewFetcher) -> None:
    server.reply("/a.jpg?size=1", BODY)
    assert new_fetcher().fetch(server.url("/a.jpg?size=1")) == BODY


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
