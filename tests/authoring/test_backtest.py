"""Policies judged on what a topic kept, beside the verdicts that were published."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from moderator.authoring.backtest import parse_since, read_alike, read_topics
from moderator.authoring.compare import compare
from moderator.authoring.sides import from_verdicts, judge_store
from moderator.authoring.store import Store
from moderator.authoring.workbench import Workbench
from moderator.errors import StartupError, TransientError
from moderator.posts import Media, Post
from moderator.settings import Settings
from moderator.verdicts import encode_verdict
from tests.authoring.conftest import Load
from tests.builders import a_rule, a_screener, picture
from tests.services.kafka.cluster import Cluster, NewTopic

POSTS = [Post(id=str(n), text="red fire" if n % 3 == 0 else "green meadow") for n in range(30)]


@pytest.mark.parametrize(("text", "hours"), [("90m", 1.5), ("12h", 12), ("7d", 168), ("2w", 336)])
def test_how_far_back_is_a_number_and_a_unit(text: str, hours: float) -> None:
    assert parse_since(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7 d", "1y"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(StartupError, match="such as 7d"):
        parse_since(text)


def test_posts_that_were_read_in_full_only_then_or_only_now_are_told_apart(
    bench: Workbench,
) -> None:
    red, broken = Media(data=picture("red")), Media(data=b"no image")
    then = [Post(id=str(n), text="fire", media=(m,)) for n, m in enumerate([red, broken] * 2)]
    now = [Post(id=str(n), text="fire", media=(m,)) for n, m in enumerate([red] * 2 + [broken] * 2)]
    verdicts = a_screener().screen(bench.loader.load(then, 0.0))
    unread = bench.embed_all(now, lambda _: None).unread
    assert read_alike(verdicts, unread).tolist() == [True, False, False, True]


async def send(cluster: Cluster, topic: str, values: list[bytes | None], at_ms: int | None) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap)
    await producer.start()
    try:
        sent = [
            await producer.send(topic, value, key=b"key", timestamp_ms=at_ms) for value in values
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def test_posts_since_then_come_with_their_last_verdict(
    kafka: Cluster, topic: NewTopic, load: Load, bench: Workbench
) -> None:
    if not kafka.real:
        pytest.skip("the embedded broker finds no offsets by time")
    settings = Settings(
        kafka=kafka.bootstrap, posts_topic=topic("posts", 3), verdicts_topic=topic("verdicts", 2)
    )
    rules = bench.compile(load(a_rule("fire")))
    verdicts = a_screener(rules, space=bench.channels["text"]).screen(bench.loader.load(POSTS, 0.0))
    long_ago = 1_700_000_000_000
    await send(kafka, settings.posts_topic, [msgspec.json.encode(Post(id="old"))], long_ago)
    await send(
        kafka,
        settings.posts_topic,
        [*map(msgspec.json.encode, POSTS), b"no post", None],
        None,
    )
    published = [*map(encode_verdict, verdicts[:20]), b"no verdict", None]
    await send(kafka, settings.verdicts_topic, published, None)

    kept = await read_topics(settings, timedelta(hours=1), 1000, lambda _: None)
    assert {each.post.id for each in kept} == {post.id for post in POSTS}
    judged = [each for each in kept if each.verdict is not None]
    assert {each.post.id for each in judged} == {post.id for post in POSTS[:20]}
    assert len(await read_topics(settings, timedelta(hours=1), 5, lambda _: None)) == 5

    posts = [each.post for each in judged]
    embedded = bench.embed_all(posts, lambda _: None)
    store = Store.of(
        posts,
        {name: (found.vectors, found.owners) for name, found in embedded.readings.items()},
        {name: space.digest for name, space in bench.channels.items()},
    )
    old = from_verdicts([each.verdict for each in judged if each.verdict], rules.actions)
    same = compare(old, judge_store(rules, store, bench.limits), store)
    assert same.changed.hits == 0
    milder = bench.compile(load(a_rule("fire", action="review")))
    moved = compare(old, judge_store(milder, store, bench.limits), store)
    assert moved.moves == (("block", "review", 7),)


async def test_a_topic_that_is_not_there_is_a_clear_error(kafka: Cluster) -> None:
    settings = Settings(kafka=kafka.bootstrap, posts_topic="there-is-no-such-topic")
    with pytest.raises(TransientError, match="has no topic there-is-no-such-topic"):
        await read_topics(settings, timedelta(hours=1), 10, lambda _: None)
