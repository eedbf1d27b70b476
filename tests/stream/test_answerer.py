"""From messages to verdicts and dead letters, without a broker."""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from moderator.encoders.base import Matrix, Pixels
from moderator.encoders.fake import FakeImageEncoder, fake_space
from moderator.errors import InferenceError, ModelError
from moderator.logs import formatter
from moderator.metrics import Metrics
from moderator.pipeline import Screener
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.settings import load_settings
from moderator.stream.answerer import Answerer, Job, Work
from moderator.stream.offsets import PartitionProgress
from moderator.stream.publisher import Message
from moderator.stream.retries import Retries
from moderator.verdicts import Verdict, decode_verdict
from tests.builders import a_screener, compiled

SETTINGS = load_settings({"callers": 2})


@dataclass
class Record:
    """What an answerer reads of a record."""

    value: bytes | None
    offset: int = 0
    key: bytes | None = b"key"
    headers: tuple[tuple[str, bytes], ...] = (("trace", b"1"), ("moderator-code", b"old"))
    topic: str = "posts"
    partition: int = 5
    timestamp: int = 1_000  # milliseconds


class Buggy(Screener):
    """A screener with a bug that posts called `bug` meet."""

    def screen(self, posts: Sequence[LoadedPost]) -> list[Verdict]:
        if any(loaded.post.id == "bug" for loaded in posts):
            raise ZeroDivisionError("a bug")
        return super().screen(posts)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def answerer(metrics: Metrics) -> Iterator[Answerer]:
    screener = a_screener()
    buggy = Buggy(compiled(), screener.embedder)
    answerer = Answerer(SETTINGS, buggy, metrics)
    yield answerer
    answerer.close()


def job(name: str, text: str | None = None, *, offset: int = 0, bad_media: bool = False) -> Work:
    media = (Media(id="m", data=b"junk"),) if bad_media else ()
    record = Record(json.dumps({"id": name, "text": text}).encode(), offset)
    attachments = tuple(item.data or b"" for item in media)
    loaded = LoadedPost(Post(id=name, text=text, media=media), attachments)
    return Job(record, PartitionProgress()), loaded


def code(message: Message) -> str:
    (value,) = (value for name, value in message.headers if name == "moderator-code")
    return value.decode()


async def test_every_job_has_a_verdict_under_the_key_of_its_post(answerer: Answerer) -> None:
    jobs = [job("0", "red fire"), job("1", "tomatoes"), job("2")]
    jobs[1][0].record.key = None
    messages = await answerer.answer(jobs)
    assert [message.topic for message in messages] == ["verdicts"] * 3
    assert [decode_verdict(m.value).post_id for m in messages] == ["0", "1", "2"]
    assert [decode_verdict(m.value).action for m in messages] == ["block", "allow", "allow"]
    assert [message.key for message in messages] == [b"key", b"1", b"key"]
    assert [message.source for message in messages] == [j.record for j, _ in jobs]


async def test_a_post_that_meets_a_bug_is_a_dead_letter_and_harms_no_other(
    answerer: Answerer, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = [job("0", "red fire"), job("bug", offset=17), job("2", "tomatoes")]
    with caplog.at_level(logging.ERROR):
        messages = await answerer.answer(jobs)
    assert [message.topic for message in messages] == ["verdicts", "dead-letters", "verdicts"]
    assert [decode_verdict(messages[place].value).post_id for place in (0, 2)] == ["0", "2"]
    dead = messages[1]
    assert (code(dead), dead.value) == ("internal_error", jobs[1][0].record.value)
    assert dict(dead.headers)["moderator-reason"] == b"ZeroDivisionError('a bug')"
    assert "offset 17 could not be screened" in caplog.text


async def test_unreadable_media_give_a_verdict_and_a_dead_letter(answerer: Answerer) -> None:
    jobs = [job("0", "tomatoes", bad_media=True)]
    verdict, dead = await answerer.answer(jobs)
    assert decode_verdict(verdict.value).action == "review"
    assert (dead.topic, code(dead)) == ("dead-letters", "not_an_image")
    assert (dead.key, dead.value) == (b"key", jobs[0][0].record.value)
    assert dict(dead.headers)["moderator-reason"].startswith(b"image m: ")


async def test_being_put_off_under_overload_uses_up_no_try_of_the_media(
    answerer: Answerer,
) -> None:
    late, loaded = job("0", "tomatoes")
    late.deferred = True
    verdict, later = await answerer.answer([(late, loaded)])
    back = Retries(SETTINGS).comeback(Record(later.value, headers=tuple(later.headers)))
    assert (back.attempt, back.amends) == (0, decode_verdict(verdict.value).id)
    assert Retries(SETTINGS).due(Record(b"", headers=tuple(later.headers))) > time.time()


async def test_a_refused_message_keeps_its_bytes_and_its_headers(answerer: Answerer) -> None:
    broken = Job(Record(b"{not json", 9), PartitionProgress())
    dead = answerer.refuse(broken, "not_json", "no JSON")
    assert (dead.topic, dead.key, dead.value) == ("dead-letters", b"key", b"{not json")
    assert [name for name, _ in dead.headers] == [
        "trace",
        "moderator-code",
        "moderator-reason",
        "moderator-topic",
        "moderator-partition",
        "moderator-offset",
    ]
    assert code(dead) == "not_json"
    assert dict(dead.headers)["moderator-offset"] == b"9"


def test_a_message_without_value_is_refused_without_value(answerer: Answerer) -> None:
    empty = Job(Record(None), PartitionProgress())
    assert empty.size == 0
    assert answerer.refuse(empty, "empty", "no value").value == b""


async def test_a_verdict_too_large_for_the_broker_gives_way_to_a_dead_letter(
    answerer: Answerer,
) -> None:
    (verdict,) = await answerer.answer([job("0", "red fire")])
    dead = answerer.too_large(verdict)
    assert (dead.topic, code(dead)) == ("dead-letters", "verdict_too_large")
    assert (dead.value, dead.key, dead.source) == (
        verdict.source.value,
        b"key",
        verdict.source,
    )
    assert dict(dead.headers)["trace"] == b"1"


def test_a_post_that_the_topic_of_retries_does_not_take_is_a_dead_letter_with_its_bytes(
    answerer: Answerer,
) -> None:
    put_off = answerer.put_off(
        Job(Record(b"x" * 1000, 17), PartitionProgress(), attempt=1), "the host is away"
    )
    assert put_off.topic == "posts-retries"
    dead = answerer.too_large(put_off)
    assert (dead.topic, code(dead)) == ("dead-letters", "retry_too_large")
    assert (dead.value, dead.key, dead.source) == (b"x" * 1000, b"key", put_off.source)
    assert dict(dead.headers)["moderator-offset"] == b"17"


def test_a_dead_letter_too_large_for_the_broker_gives_way_to_one_that_only_names_the_post(
    answerer: Answerer,
) -> None:
    dead = answerer.refuse(Job(Record(b"x" * 1000), PartitionProgress()), "too_large", "large")
    last = answerer.too_large(dead)
    assert (last.topic, last.key, last.value) == ("dead-letters", None, b"")
    assert code(last) == "post_too_large"
    assert "trace" not in dict(last.headers)
    assert dict(last.headers)["moderator-reason"] == b"dead-letters did not take 1,000 bytes"


async def test_verdicts_and_dead_letters_are_counted(answerer: Answerer, metrics: Metrics) -> None:
    await answerer.answer([job("0", "red fire"), job("bug"), job("2", "tomatoes", bad_media=True)])
    exposed = metrics.expose().decode()
    for line in (
        'moderator_verdicts_total{action="block"} 1.0',
        'moderator_verdicts_total{action="review"} 1.0',
        'moderator_dead_letters_total{code="internal_error"} 1.0',
        'moderator_dead_letters_total{code="not_an_image"} 1.0',
        'moderator_unread_parts_total{channel="image",code="not_an_image"} 1.0',
        'moderator_rule_hits_total{action="block",mode="enforced",rule="test/fire"} 1.0',
        "moderator_batch_posts_sum 2.0",
    ):
        assert line in exposed


def test_warming_up_screens_a_post_for_every_caller_and_counts_nothing(
    answerer: Answerer, metrics: Metrics
) -> None:
    answerer.warm_up()
    assert answerer.callers == 2
    assert "moderator_verdicts_total{" not in metrics.expose().decode()


def test_an_encoder_that_fails_at_the_first_post_is_found_before_any_is_read(
    metrics: Metrics,
) -> None:
    class Broken(FakeImageEncoder):
        def encode(self, images: Sequence[Pixels]) -> Matrix:
            raise InferenceError("a graph of another model")

    space = replace(fake_space(), image=Broken())
    answerer = Answerer(SETTINGS, a_screener(space=space), metrics)
    with pytest.raises(ModelError, match="the image encoder does not work: a graph of another"):
        answerer.warm_up()
    answerer.close()


@pytest.mark.parametrize("asked", [False, True])
async def test_a_bug_is_logged_without_the_post_unless_that_was_asked_for(
    asked: bool,  # noqa: FBT001
    metrics: Metrics,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Quoting(Screener):
        def screen(self, posts: Sequence[LoadedPost]) -> list[Verdict]:
            raise KeyError(posts[0].post.text)

    screener = Quoting(compiled(), a_screener().embedder)
    answerer = Answerer(load_settings({"log_content": asked, "callers": 1}), screener, metrics)
    await answerer.answer([job("0", "a private matter", offset=17)])
    answerer.close()
    form = formatter(load_settings({"log_format": "json"}))
    (line,) = [form.format(record) for record in caplog.records]
    assert "offset 17 could not be screened" in line
    assert "KeyError" in line
    assert ("a private matter" in line) is asked
