"""Signatures and passwords in media URLs are for fetching, and for nothing else."""

import logging
import ssl

import msgspec
import pytest

from moderator.media.fetch import Fetcher, FetchLimits
from moderator.media.load import LoadLimits, MediaLoader
from moderator.metrics import Metrics
from moderator.posts import Media, Post
from tests.builders import a_screener
from tests.media.conftest import HostileServer

SECRET = "s3cret"


def answers(server: HostileServer) -> list[str]:
    """Make the server fail in every way, and return URLs that carry a secret to each."""
    server.reply("/gone", status=404)
    server.reply("/broken", status=500)
    server.reply("/encoded", b"x", Content_Encoding="gzip")
    server.reply("/text", b"no image")
    server.redirect("/loop", f"/loop?signature={SECRET}")
    server.redirect("/inside", f"http://10.0.0.1/?signature={SECRET}")
    server.answers["/noise"] = lambda exchange: exchange.send(b"SSH-2.0\r\n\r\n")
    paths = list(server.answers)
    for path in paths:
        server.answers[f"{path}?signature={SECRET}"] = server.answers[path]
    return [server.url(f"{path}?signature={SECRET}") for path in paths] + [
        f"http://{SECRET}:{SECRET}@127.0.0.1/",
        f"http://10.0.0.1/?{SECRET}",
        f"ftp://{SECRET}@host/",
        f"http://[{SECRET}",
        f"http://nowhere.invalid/?{SECRET}",
        f"http://127.0.0.1:{SECRET}/",
        f"file:///etc/passwd?{SECRET}",
    ]


@pytest.fixture
def loader(server: HostileServer) -> MediaLoader:
    limits = FetchLimits(ports=(server.port, 80), allow_networks=("127.0.0.1/32",))
    fetcher = Fetcher(limits, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    share = LoadLimits(max_media=20, max_bytes=1000, max_seconds=60)
    return MediaLoader(fetcher, share, fetchers=2, sleep=lambda _: None)


def test_no_failure_shows_them_in_verdicts_logs_or_metrics(
    server: HostileServer, loader: MediaLoader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    urls = answers(server)
    post = Post(id="1", media=tuple(Media(url=url) for url in urls))
    verdicts = a_screener().screen(loader.load([post], 0.0))
    loader.close()
    metrics = Metrics()
    metrics.observe(verdicts)

    reports = [report for report in verdicts[0].modalities if report.status == "failed"]
    assert len(reports) == len(urls)
    assert verdicts[0].action == "review"
    assert all(report.reason for report in reports)
    assert SECRET.encode() not in msgspec.json.encode(verdicts)
    assert SECRET.encode() not in metrics.expose()
    assert SECRET not in caplog.text


def test_a_bug_while_fetching_does_not_show_them_either(
    loader: MediaLoader, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(self: Fetcher, url: str) -> bytes:
        raise RuntimeError(f"could not take {url} apart")

    monkeypatch.setattr(Fetcher, "fetch", fetch)
    post = Post(id="1", media=(Media(url=f"https://host/?{SECRET}"),))
    (verdict,) = a_screener().screen(loader.load([post], 0.0))
    loader.close()
    assert verdict.modalities[-1].code == "internal_error"
    assert "RuntimeError at test_secrets.py" in (verdict.modalities[-1].reason or "")
    assert "because of a bug" in caplog.text
    assert SECRET not in caplog.text + repr(verdict)
