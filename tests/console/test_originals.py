"""Posts as they were sent, read again from Kafka; and what is left of them when it has them not."""

import asyncio

import msgspec

from moderator.console.originals import original, originals
from moderator.console.records import keep
from moderator.posts import Author, Media
from tests.builders import picture
from tests.console.serving import a_post, a_verdict, send, settings_for
from tests.services.kafka.cluster import Cluster

CARRIED = Media(data=picture("red"), type="image/png", id="a")
LOST = Media(data=b"", type="image/png", id="a")


def test_posts_come_back_as_they_were_sent_and_what_is_gone_is_not_left_out(
    kafka: Cluster,
) -> None:
    settings = settings_for(kafka.bootstrap, "redis://127.0.0.1:1")
    kafka.create_topic(settings.posts_topic, 1)
    kafka.create_topic(settings.verdicts_topic, 1)
    posts = [a_post(f"post-{number}", None, CARRIED, meta={"a": 1}) for number in range(400)]
    again = a_post("post-6", "a lovely day")  # another one, with the id of one before it
    posts.append(again)
    asyncio.run(send(settings, tuple((post, a_verdict(post)) for post in posts)))
    kept = [keep(post, 0, offset, 0) for offset, post in enumerate(posts)]
    gone = msgspec.structs.replace(kept[5], offset=10_000)
    other = msgspec.structs.replace(kept[6], offset=400)
    asked = [kept[399], kept[0], kept[2], gone, other, kept[400]]
    found = asyncio.run(originals(settings, asked))
    assert found[:3] == [posts[399], posts[0], posts[2]]
    assert found[3] == a_post("post-5", None, LOST)
    assert found[4] == a_post("post-6", None, LOST)  # not the lovely day
    assert found[5] == again


def test_what_is_no_post_any_longer_counts_as_gone(kafka: Cluster) -> None:
    settings = settings_for(kafka.bootstrap, "redis://127.0.0.1:1")
    kafka.create_topic(settings.posts_topic, 1)
    kafka.create_topic(settings.verdicts_topic, 1)
    post = a_post("1", "red fire", CARRIED)
    asyncio.run(send(settings, ((post, a_verdict(post)),)))
    smaller = settings.model_copy(update={"max_post_bytes": 10})  # it would be refused today
    found = asyncio.run(original(smaller, keep(post, 0, 0, 0)))
    assert found == a_post("1", "red fire", LOST)


def test_a_post_of_which_everything_is_kept_is_not_asked_for_again() -> None:
    settings = settings_for("127.0.0.1:1", "redis://127.0.0.1:1")  # there is no Kafka
    post = a_post("1", "red fire", Media(url="https://example.org/a.png"), surface="chat")
    post = msgspec.structs.replace(post, author=Author(id="ada", tier="new"))
    assert asyncio.run(originals(settings, [keep(post, 0, 0, 0)], all_of_it=False)) == [post]


def test_attachments_that_are_not_kept_are_unreadable_ones(kafka: Cluster) -> None:
    settings = settings_for(kafka.bootstrap, "redis://127.0.0.1:1")
    kafka.create_topic(settings.posts_topic, 1)
    far = Media(url="https://example.org/" + "a" * 3_000)
    for post, attachments in (
        (a_post("1", "red fire", far), 1),
        (a_post("2", "red fire", *[Media(url="https://example.org/a.png")] * 30), 21),
    ):
        found = asyncio.run(originals(settings, [keep(post, 0, 0, 0)], all_of_it=False))
        assert len(found[0].media) == attachments
        assert found[0].media[-1].data == b""
