"""Any number of posts, embedded outside of the stream."""

import gc
from dataclasses import replace

from moderator.authoring.workbench import Workbench
from moderator.pictures import Picture
from moderator.posts import Media, Post
from tests.builders import picture

COLOURS = ["red", "green", "blue"]
POSTS = [
    Post(id=str(number), text="fire", media=(Media(data=picture(COLOURS[number % 3])),))
    for number in range(400)
]


def test_posts_are_embedded_as_one_batch_would_be(bench: Workbench) -> None:
    bad = Post(id="bad", media=(Media(data=b"no image"),))
    found = bench.embed_all([*POSTS[:100], bad], lambda _: None)
    assert found.unread.tolist() == [False] * 100 + [True]
    image = found.readings["image"]
    assert image.owners.tolist() == list(range(100))
    assert [image.rows(place).stop for place in (0, 99, 100)] == [1, 100, 100]
    assert (image.vectors[0] == image.vectors[99]).all()


def test_pixels_are_given_back_while_posts_are_embedded(bench: Workbench) -> None:
    alive = []

    def count(_: int) -> None:
        alive.append(sum(isinstance(each, Picture) for each in gc.get_objects()))

    replace(bench, callers=1).embed_all(POSTS, count)
    assert max(alive) <= 2 * len(COLOURS)  # of the batch under way and the one before it
