"""The map of posts and rules."""

import numpy as np

from moderator.authoring.workbench import Workbench
from moderator.console.workshop.atlas import Atlas, draw
from moderator.console.workshop.recent import RecentPosts
from moderator.posts import Post
from tests.builders import a_policy, a_rule, a_set
from tests.console.workshop.conftest import take


def drawn(recent: RecentPosts, bench: Workbench) -> Atlas:
    rules = a_set(a_policy(a_rule(), a_rule("grass", violates=["green meadow"])))
    found = draw(recent.snapshot(), bench.compile(rules))
    assert found is not None
    return found


def test_every_post_and_rule_has_a_place(recent: RecentPosts, bench: Workbench) -> None:
    atlas = drawn(recent, bench)
    assert atlas.points.shape == (7, 2)
    assert atlas.rules == ("test/fire", "test/grass")
    assert atlas.rule_points.shape == (2, 2)
    assert np.isfinite(atlas.points).all()
    assert atlas.channels[-1] == "text+image"


def test_what_means_the_same_lies_together_texts_and_images_alike(
    recent: RecentPosts, bench: Workbench
) -> None:
    atlas, posts = drawn(recent, bench), recent.snapshot().posts
    ids = [post.id for post in posts]
    near = [ids[place] for place in atlas.nearest(ids.index("fire"), 3)]
    assert near[0] == "fire"
    assert set(near) == {"fire", "fire-2", "red-picture"}


def test_the_most_typical_of_a_selection_comes_first(recent: RecentPosts, bench: Workbench) -> None:
    atlas, ids = drawn(recent, bench), [post.id for post in recent.snapshot().posts]
    chosen = [ids.index(name) for name in ("meadow", "fire", "fire-2")]
    assert {ids[place] for place in atlas.central(chosen)[:2]} == {"fire", "fire-2"}
    assert atlas.central([]) == []


def test_two_posts_make_no_map(bench: Workbench) -> None:
    recent = RecentPosts(bench.embedder, 10)
    take(recent, [Post(id="1", text="red"), Post(id="2", text="blue"), Post(id="3")])
    assert draw(recent.snapshot(), bench.compile(a_set())) is None
