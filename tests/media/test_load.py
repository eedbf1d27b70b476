"""Attachments from a web server, from within the post, and from a host that is away for a while."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from moderator.errors import MediaError, TransientError
from moderator.media.fetch import Fetcher, FetchLimits
from moderator.media.load import LoadLimits, MediaLoader, needs_fetching
from moderator.posts import Media, Post
from tests.media.conftest import Exchange, HostileServer
from tests.services.process import free_port

NewLoader = Callable[..., MediaLoader]


@pytest.fixture
def slept() -> list[float]:
    """The seconds that were waited, had anybody waited."""
    return []


@pytest.fixture
def new_loader(server: HostileServer, slept: list[float]) -> Iterator[NewLoader]:
    """Return a function that makes a loader for the server and for `ports` beside it."""
    made: list[tuple[MediaLoader, Fetcher]] = []

    def make(
        *ports: int,
        fetchers: int = 4,
        clock: Callable[[], float] = time.monotonic,
        max_media: int = 20,
        max_bytes: int = 1000,
    ) -> MediaLoader:
        limits = FetchLimits(ports=(server.port, *ports), allow_networks=("127.0.0.0/8",))
        # An empty context, because loading all authorities takes longer than most of these tests.
        fetcher = Fetcher(limits, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        share = LoadLimits(max_media=max_media, max_bytes=max_bytes, max_seconds=60)
        loader = MediaLoader(fetcher, share, fetchers=fetchers, sleep=slept.append, clock=clock)
        made.append((loader, fetcher))
        return loader

    yield make
    for loader, fetcher in made:
        loader.close()
        fetcher.close()


def post(*media: Media, name: str = "1") -> Post:
    return Post(id=name, media=media)


def answers(server: HostileServer, path: str, *statuses: int) -> None:
    """Answer one request after another with these statuses; 200 has the body `content`."""
    left = iter(statuses)

    def answer(exchange: Exchange) -> None:
        status = next(left)
        body = b"content" if status == 200 else b""
        head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n\r\n"
        exchange.send(head.encode() + body)

    server.answers[path] = answer


def test_attachments_come_in_the_order_of_the_post_wherever_they_are(
    server: HostileServer, new_loader: NewLoader
) -> None:
    server.reply("/a.png", b"from the web")
    media = (Media(url=server.url("/a.png")), Media(data=b"in the post"), Media(data=b""))
    (loaded,) = new_loader().load([post(*media)], received=1.5)
    assert loaded.attachments == (b"from the web", b"in the post", b"")
    assert (loaded.post, loaded.received) == (post(*media), 1.5)


def test_every_post_gets_its_own(server: HostileServer, new_loader: NewLoader) -> None:
    for name in "abc":
        server.reply(f"/{name}", name.encode() * 3)
    posts = [
        post(Media(url=server.url("/b")), Media(url=server.url("/a")), name="1"),
        post(name="2"),
        post(Media(url=server.url("/c")), name="3"),
    ]
    loaded = new_loader().load(posts, 0.0)
    assert [item.attachments for item in loaded] == [(b"bbb", b"aaa"), (), (b"ccc",)]


def test_a_failure_stays_in_its_place(server: HostileServer, new_loader: NewLoader) -> None:
    server.reply("/good", b"good")
    server.reply("/gone", status=404)
    media = [Media(url=server.url(path)) for path in ("/gone", "/good")]
    outside = Media(url=f"http://127.0.0.1:{free_port()}/")
    (loaded,) = new_loader().load([post(*media, outside)], 0.0)
    gone, good, refused = loaded.attachments
    assert isinstance(gone, MediaError)
    assert good == b"good"
    assert isinstance(refused, MediaError)
    assert len(server.requests) == 2  # what no retry mends is not tried again


def test_only_as_many_attachments_are_loaded_as_are_read(
    server: HostileServer, new_loader: NewLoader
) -> None:
    media = [Media(data=bytes([place])) for place in range(5)]
    loader = new_loader(max_media=3)
    (loaded,) = loader.load([post(*media)], 0.0)
    assert loaded.attachments == (b"\0", b"\1", b"\2")


def test_a_host_that_is_busy_is_asked_again(
    server: HostileServer, new_loader: NewLoader, slept: list[float]
) -> None:
    answers(server, "/busy", 503, 503, 200)
    (loaded,) = new_loader().load([post(Media(url=server.url("/busy")))], 0.0)
    assert loaded.attachments == (b"content",)
    assert len(server.requests) == 3
    assert len(slept) == 2
    assert 0 <= slept[0] <= 0.4
    assert 0 <= slept[1] <= 0.8


def test_a_host_that_stays_busy_is_given_up_after_three_tries(
    server: HostileServer, new_loader: NewLoader, slept: list[float]
) -> None:
    answers(server, "/busy", 503, 429, 500, 200)
    (loaded,) = new_loader().load([post(Media(url=server.url("/busy")))], 0.0)
    (error,) = loaded.attachments
    assert isinstance(error, TransientError)
    assert error.code == "unavailable"
    assert (len(server.requests), len(slept)) == (3, 2)


def test_a_host_that_is_away_is_given_up_after_three_tries(
    new_loader: NewLoader, slept: list[float]
) -> None:
    port = free_port()
    (loaded,) = new_loader(port).load([post(Media(url=f"http://127.0.0.1:{port}/"))], 0.0)
    assert isinstance(loaded.attachments[0], TransientError)
    assert len(slept) == 2


def test_posts_are_fetched_side_by_side(server: HostileServer, new_loader: NewLoader) -> None:
    together = threading.Barrier(3, timeout=5)

    def answer(exchange: Exchange) -> None:
        together.wait()  # breaks, and so hangs up, unless three requests are here at once
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    server.answers["/slow"] = answer
    posts = [post(Media(url=server.url("/slow")), name=name) for name in "abc"]
    loaded = new_loader(fetchers=3).load(posts, 0.0)
    assert [item.attachments for item in loaded] == [(b"ok",)] * 3


def test_a_post_gets_no_more_bytes_than_its_share(
    server: HostileServer, new_loader: NewLoader
) -> None:
    server.reply("/60", b"x" * 60)
    (loaded,) = new_loader(max_bytes=100).load([post(*[Media(url=server.url("/60"))] * 3)], 0.0)
    first, second, third = loaded.attachments
    assert first == b"x" * 60
    for error in (second, third):
        assert isinstance(error, MediaError)
        assert error.code == "media_too_large"
    assert len(server.requests) == 2  # the third is not asked for what there is no room for


def test_a_post_gets_no_more_time_than_its_share(
    server: HostileServer, new_loader: NewLoader
) -> None:
    server.reply("/a", b"ok")
    times = iter([0.0, 1.0, 61.0, 62.0])  # of the start, and of each attachment
    loader = new_loader(clock=lambda: next(times))
    (loaded,) = loader.load([post(*[Media(url=server.url("/a"))] * 3)], 0.0)
    assert loaded.attachments[0] == b"ok"
    assert all(isinstance(late, TransientError) for late in loaded.attachments[1:])
    assert len(server.requests) == 1


def test_only_urls_need_fetching() -> None:
    assert needs_fetching(post(Media(data=b"a"), Media(url="http://x/")))
    assert not needs_fetching(post(Media(data=b"a"), Media(data=b"")))
    assert not needs_fetching(post())


def test_what_is_in_the_post_is_loaded_without_a_thread(new_loader: NewLoader) -> None:
    loader = new_loader(max_media=2)
    loaded = loader.inline(post(Media(data=b"a"), Media(data=b""), Media(data=b"c")), 0.5)
    assert (loaded.attachments, loaded.received, loaded.size) == ((b"a", b""), 0.5, 1)
