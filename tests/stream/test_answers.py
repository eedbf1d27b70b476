"""Every message is answered: a verdict for a post, a dead letter for what is none."""

import base64
import io
from collections.abc import Mapping

import msgspec
import pytest
from PIL import Image

from tests.services.redis import Redis
from tests.stream.harness import Answers, Stream, eventually, header, posts


def png(colour: str) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def post(post_id: str, **fields: object) -> tuple[str, bytes]:
    return post_id, msgspec.json.encode({"id": post_id, **fields})


async def answered(
    stream: Stream, messages: list[tuple[str, bytes]], **settings: object
) -> Answers:
    """The answers of a fresh worker, which must be alive and well after them."""
    await stream.send(messages)
    with stream.worker(**settings).start() as worker:
        answers = await stream.answers(len(dict(messages)))
        assert worker.page("ready")[0] == 200
        worker.stop()
    assert await stream.committed() == len(messages)
    return answers


BROKEN: Mapping[str, tuple[bytes, str]] = {
    "truncated": (b'{"id": "1", "text": "hel', "not_json"),
    "wrong-type": (b'{"id": "1", "text": 5}', "not_a_post"),
    "no-id": (b'{"text": "hello"}', "not_a_post"),
    "list": (b"[]", "not_a_post"),
    "not-utf8": (b'{"id": "1", "text": "\xff\xfe"}', "not_utf8"),
    "empty": (b"", "empty"),
    "bad-base64": (b'{"id": "1", "media": [{"data": "%%%"}]}', "not_a_post"),
    "two-sources": (b'{"id": "1", "media": [{"data": "", "url": "http://a.b"}]}', "not_a_post"),
}


async def test_what_is_no_post_is_a_dead_letter_with_its_bytes_and_the_reason(
    stream: Stream,
) -> None:
    answers = await answered(
        stream, [(key, value) for key, (value, _) in BROKEN.items()] + posts(5)
    )

    letters = {record.key.decode(): record for record in answers.dead_letters}
    assert letters.keys() == BROKEN.keys()
    for key, (value, code) in BROKEN.items():
        assert letters[key].value == value
        assert header(letters[key], "code") == code
        assert header(letters[key], "reason")
        assert header(letters[key], "topic") == stream.topics["posts"]
        assert int(header(letters[key], "offset")) >= 0
    assert len(answers.verdicts) == 5


async def test_media_that_cannot_be_read_sends_the_post_to_review_and_to_the_dead_letters(
    stream: Stream,
) -> None:
    bad = post("bad", text="green meadow", media=[{"id": "m", "data": "bm8gaW1hZ2U="}])
    sound = post("sound", media=[{"type": "audio/mpeg", "url": "https://example.org/a.mp3"}])
    inside = post("inside", media=[{"url": "http://127.0.0.1/secret.png"}])
    answers = await answered(
        stream, [bad, sound, inside, post("good", media=[{"data": png("red")}])]
    )

    actions = {key.decode(): verdict.action for key, verdict in answers.verdicts}
    assert actions.pop("good") == "block"
    assert actions == {"bad": "review", "sound": "review", "inside": "review"}
    letters = {record.key.decode(): record for record in answers.dead_letters}
    assert letters.keys() == {"bad", "sound", "inside"}
    assert letters["bad"].value == bad[1]
    assert header(letters["bad"], "code") == "not_an_image"
    assert header(letters["sound"], "code") == "unsupported_media"
    assert header(letters["inside"], "code") == "url_refused"


async def test_what_is_too_much_is_read_up_to_the_limit_and_goes_to_review(stream: Stream) -> None:
    huge = post("huge", text="green meadow " * 400_000)
    hidden = post("hidden", text="red red danger " * 20 + "green meadow " * 400_000)
    many = post("many", media=[{"data": png("green")}] * 200)
    answers = await answered(stream, [huge, hidden, many])

    verdicts = {key.decode(): verdict for key, verdict in answers.verdicts}
    assert {key: verdict.action for key, verdict in verdicts.items()} == {
        "huge": "review",
        "hidden": "block",
        "many": "review",
    }
    codes = {report.code for verdict in verdicts.values() for report in verdict.modalities}
    assert {"text_too_long", "too_many_media"} <= codes
    assert not answers.dead_letters


async def test_a_post_larger_than_the_limit_is_a_dead_letter(stream: Stream) -> None:
    large = post("large", text="x" * 60_000)
    answers = await answered(stream, [large, *posts(3)], max_post_bytes=50_000)

    assert [record.value for record in answers.dead_letters] == [large[1]]
    assert answers.codes() == {"too_large": 1}


async def test_a_failing_encoder_sends_that_post_to_review_and_no_other(stream: Stream) -> None:
    answers = await answered(stream, [post("bad", text="unencodable"), *posts(9, start=1)])

    actions = {key: verdict.action for key, verdict in answers.verdicts}
    assert actions.pop(b"bad") == "review"
    assert set(actions.values()) == {"allow"}
    assert answers.codes() == {"inference_failed": 1}


async def test_empty_posts_unknown_surfaces_and_repeated_ids_are_answered(stream: Stream) -> None:
    empty, strange = post("empty"), post("strange", surface="nowhere", text="red red danger")
    twice = [post("twice", text="green meadow"), post("twice", text="red red danger")]
    same = [post("same", text="green meadow")] * 2
    answers = await answered(stream, [empty, strange, *twice, *same])

    actions = [(key.decode(), verdict.action) for key, verdict in answers.verdicts]
    assert sorted(actions) == [
        ("empty", "allow"),
        ("same", "allow"),
        ("same", "allow"),
        ("strange", "block"),
        ("twice", "allow"),
        ("twice", "block"),
    ]
    ids = {(key, verdict.action): verdict.id for key, verdict in answers.verdicts}
    assert len(set(ids.values())) == 5  # the two that are the same post have one id


@pytest.mark.real_kafka
async def test_a_verdict_the_broker_refuses_for_its_size_becomes_a_dead_letter(
    bare_stream: Stream,
) -> None:
    cluster, topics = bare_stream.cluster, bare_stream.topics
    cluster.create_topic(topics["posts"], 4)
    cluster.create_topic(topics["verdicts"], 4, {"max.message.bytes": "2000"})
    cluster.create_topic(topics["dead-letters"], 4)
    large = post("large", text="green meadow", meta={"note": "n" * 5_000})
    await bare_stream.send([large, *posts(3)])
    with bare_stream.worker().start():
        answers = await bare_stream.answers(4)

    assert {key for key, _ in answers.verdicts} == {b"post-0", b"post-1", b"post-2"}
    assert [record.value for record in answers.dead_letters] == [large[1]]
    assert answers.codes() == {"verdict_too_large": 1}


@pytest.mark.real_kafka
async def test_a_dead_letter_the_broker_refuses_for_its_size_only_names_the_post(
    bare_stream: Stream,
) -> None:
    bare_stream.create_topics({"max.message.bytes": str(2**20 + 12)})
    # With this key the post just fits; with the headers of a dead letter it no longer does.
    answers = await answered(bare_stream, [("k" * 1_048_300, b"no post"), *posts(3)])

    (letter,) = answers.dead_letters
    assert (letter.key, letter.value) == (None, b"")
    assert header(letter, "code") == "post_too_large"
    assert header(letter, "topic") == bare_stream.topics["posts"]
    assert header(letter, "offset") == "0"
    assert {key for key, _ in answers.verdicts} == {b"post-0", b"post-1", b"post-2"}


@pytest.mark.real_kafka
async def test_posts_are_answered_however_they_are_compressed(stream: Stream) -> None:
    for number, compression in enumerate(("gzip", "snappy", "lz4", "zstd")):
        await stream.send(posts(10, start=10 * number), compression=compression)
    with stream.worker().start():
        answers = await stream.answers(40)

    assert {key for key, _ in answers.verdicts} == {key.encode() for key, _ in posts(40)}
    assert not answers.dead_letters


async def test_redis_down_at_the_start_and_killed_in_the_middle_changes_no_verdict(
    stream: Stream, redis_server: Redis
) -> None:
    redis_server.kill()
    with stream.worker(redis=redis_server.url).start() as worker:
        await stream.send(posts(50))
        await stream.answers(50)
        assert worker.metric("moderator_cache_healthy") == 0
        worker.stop()
    redis_server.start()
    with stream.worker(redis=redis_server.url).start() as worker:
        assert worker.metric("moderator_cache_healthy") == 1
        redis_server.kill()
        await stream.send(posts(50, start=50))
        answers = await stream.answers(100)
        assert worker.page("health")[0] == 200

    assert len(answers.verdicts) == 100


async def test_the_workers_pages_tell_its_state_and_its_counts(stream: Stream) -> None:
    with stream.worker().start() as worker:
        await stream.send([*posts(20), ("x", b"{")])
        await stream.answers(21)
        await eventually(lambda: worker.metric("moderator_in_flight_posts") == 0)

        assert worker.page("health") == (200, "alive\n")
        assert worker.metric("moderator_verdicts_total") == 20
        assert worker.metric("moderator_dead_letters_total") == 1
        assert (
            'moderator_rule_hits_total{action="block",mode="enforced",rule="colours/danger"} 2.0'
            in (worker.page("metrics")[1])
        )
