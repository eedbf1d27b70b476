"""Posts whose media were away come again, a few times, and then go to review."""

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from moderator.errors import MediaError, TransientError
from moderator.posts import Post
from moderator.reading import LoadedPost
from moderator.settings import load_settings
from moderator.stream.retries import Retries
from tests.builders import picture
from tests.stream.fakes import Record
from tests.stream.harness import Stream, posts

AWAY = TransientError("the host is away")
SETTINGS = load_settings({"media_retries": 3, "retry_first_seconds": 2, "retry_most_seconds": 10})


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def record(*headers: tuple[str, bytes], topic: str = "posts") -> Record:
    return Record(3, 70, b"{}", headers=headers, topic=topic)


def loaded(*attachments: bytes | TransientError | MediaError) -> LoadedPost:
    return LoadedPost(Post(id="1"), attachments)


def test_waits_grow_to_a_cap_and_are_not_all_the_same() -> None:
    retries = Retries(SETTINGS, clock=Clock())

    def waits(attempt: int) -> list[float]:
        messages = [retries.later(record(), attempt, "unavailable", "away") for _ in range(50)]
        return [retries.due(record(*message.headers)) - 1000 for message in messages]

    for attempt, most in enumerate((2, 4, 8, 10, 10), start=1):
        found = waits(attempt)
        assert most / 2 <= min(found) < max(found) <= most


def test_a_post_comes_back_as_it_was_from_where_it_was() -> None:
    retries = Retries(SETTINGS)
    given = record(("trace", b"1"))
    later = retries.later(given, 2, "deferred", "away", amends="abc")
    assert (later.topic, later.key, later.value) == ("posts-retries", given.key, given.value)
    assert dict(later.headers)["moderator-code"] == b"deferred"
    back = retries.comeback(Record(0, 1, b"{}", headers=tuple(later.headers)))
    assert back.record == given
    assert (back.attempt, back.amends) == (2, "abc")


@pytest.mark.parametrize(
    "headers", [(), (("moderator-attempt", b"x"),), (("moderator-topic", b"\xff"),)]
)
def test_a_message_that_is_not_ours_counts_as_a_new_post(
    headers: tuple[tuple[str, bytes], ...],
) -> None:
    given = record(*headers)
    assert Retries(SETTINGS).comeback(given) == (given, 0, None)
    assert Retries(SETTINGS).due(given) == 0


def test_a_clock_that_was_set_back_does_not_prolong_a_wait() -> None:
    clock = Clock()
    retries = Retries(SETTINGS, clock=clock)
    later = retries.later(record(), 1, "unavailable", "away")
    clock.now -= 3600
    assert retries.due(record(*later.headers)) == clock.now + 10


def test_only_what_may_pass_is_tried_again_and_not_for_ever() -> None:
    retries = Retries(SETTINGS)
    assert retries.again(loaded(b"image", AWAY), 0) == "the host is away"
    assert retries.again(loaded(b"image", MediaError("gone", "404")), 0) is None
    assert retries.again(loaded(AWAY), 3) is None


def test_a_post_that_is_given_up_says_how_often_it_was_tried() -> None:
    given = Retries(SETTINGS).given_up(loaded(b"image", AWAY), 3)
    assert given.attachments[0] == b"image"
    assert str(given.attachments[1]) == "the host is away (tried again 3 times)"


class MediaHost:
    """Answers 503 so many times, then with an image."""

    def __init__(self) -> None:
        self.failures = Counter[str]()
        self.asked = Counter[str]()
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked[self.path] += 1
                away = host.asked[self.path] <= host.failures[self.path]
                self.send_response(503 if away else 200)
                self.end_headers()
                self.wfile.write(b"" if away else picture("red"))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def host() -> Iterator[MediaHost]:
    made = MediaHost()
    yield made
    made.close()


@pytest.mark.real_kafka
async def test_a_host_that_comes_back_gets_its_post_judged_and_one_that_does_not_a_review(
    stream: Stream, host: MediaHost
) -> None:
    host.failures.update({"/soon.png": 4, "/never.png": 1000})
    messages = [
        (
            name,
            msgspec.json.encode(
                {"id": name, "media": [{"url": f"http://127.0.0.1:{host.port}/{name}.png"}]}
            ),
        )
        for name in ("soon", "never")
    ]
    worker = stream.worker(
        media_ports=host.port,
        media_allow_networks="127.0.0.0/8",
        media_retries=2,
        media_host_failures=100,  # else the host is left alone, for longer than this test
        retry_first_seconds=0.5,
        retry_most_seconds=1,
    )
    with worker.start():
        await stream.send([*messages, *posts(50)])
        answers = await stream.answers(52)
        worker.stop()

    verdicts = {key.decode(): verdict for key, verdict in answers.verdicts}
    assert len(answers.verdicts) == 52
    assert verdicts["soon"].action == "block"
    assert verdicts["never"].action == "review"
    (report,) = (r for r in verdicts["never"].modalities if r.status == "failed")
    assert "tried again 2 times" in (report.reason or "")
    assert [letter.key for letter in answers.dead_letters] == [b"never"]
    # Nobody waited for them: the others' verdicts are not behind theirs.
    assert [key for key, _ in answers.verdicts][-1] in (b"never", b"soon")
