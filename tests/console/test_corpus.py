"""Recent posts, whole again from Kafka."""

import asyncio

import msgspec

from moderator.console.corpus import whole_posts
from moderator.console.records import keep
from moderator.posts import Media
from tests.builders import picture
from tests.console.serving import a_post, a_verdict, send, settings_for
from tests.services.kafka.cluster import Cluster


def test_posts_come_back_with_what_they_carry_and_those_that_are_gone_are_left_out(
    kafka: Cluster,
) -> None:
    settings = settings_for(kafka.bootstrap, "redis://127.0.0.1:1")
    kafka.create_topic(settings.posts_topic, 1)
    kafka.create_topic(settings.verdicts_topic, 1)
    image = Media(data=picture("red"), type="image/png")
    posts = [a_post(f"post-{number}", None, image) for number in range(400)]
    asyncio.run(send(settings, tuple((post, a_verdict(post)) for post in posts)))
    kept = [keep(post, 0, offset, 0) for offset, post in enumerate(posts)]
    gone = msgspec.structs.replace(kept[5], offset=10_000)
    other = msgspec.structs.replace(kept[6], offset=7)
    asked = [kept[399], kept[0], kept[2], gone, other]
    found = asyncio.run(whole_posts(settings, asked))
    assert found == {kept[place].key: posts[place] for place in (0, 2, 399)}
