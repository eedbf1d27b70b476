"""Decisions from the topic of reviews to a file of labels."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from moderator.authoring.labels import read_labels
from moderator.console.originals import as_kept
from moderator.console.records import keep
from moderator.errors import StartupError
from moderator.posts import Media
from moderator.reviews import Review
from moderator.settings import Settings
from moderator.stream.clients import make_producer, started
from moderator.stream.reviews import export_labels
from tests.builders import picture
from tests.console.serving import a_post, settings_for
from tests.services.kafka.cluster import Cluster
from tests.test_reviews import a_review


async def publish(settings: Settings, reviews: list[Review]) -> None:
    async with started(make_producer(settings)) as producer:
        for review in reviews:
            await producer.send_and_wait(settings.reviews_topic, msgspec.json.encode(review))


def test_decisions_become_labels_of_whole_posts_and_a_lost_attachment_stays_one(
    kafka: Cluster, tmp_path: Path
) -> None:
    settings = settings_for(kafka.bootstrap, "redis://127.0.0.1:1")
    kafka.create_topic(settings.reviews_topic, 1)
    lost = as_kept(keep(a_post("2", "red fire", Media(data=picture("red"))), 0, 0, 0))
    reviews = [
        a_review("r1"),
        msgspec.structs.replace(a_review("r2", post="2"), post=lost),
        a_review("r3", post="3", labels={"old/rule": 1}),
        a_review("r4", post="4"),
        a_review("r5", post="4", decision="undo", undoes="r4", labels={}),
    ]
    asyncio.run(publish(settings, reviews))
    file = tmp_path / "labels.jsonl"
    done = asyncio.run(export_labels(settings, {"test/fire"}, file))
    assert (done.reviews, done.posts, done.contested, done.unknown) == (5, 2, 0, {"old/rule"})
    read = read_labels(file, ["test/fire"])
    assert [post.id for post in read.posts] == ["1", "2"]
    assert [item.data for item in read.posts[1].media] == [b""]  # not a post of text alone


def test_without_the_topic_it_says_that_nothing_has_been_decided(
    kafka: Cluster, tmp_path: Path
) -> None:
    settings = settings_for(kafka.bootstrap, "redis://127.0.0.1:1")
    with pytest.raises(StartupError, match="nothing has been decided yet"):
        asyncio.run(export_labels(settings, set(), tmp_path / "labels.jsonl"))
