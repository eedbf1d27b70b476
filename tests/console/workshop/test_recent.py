"""Recent posts, embedded when somebody asks."""

import msgspec
import pytest

from moderator.authoring.workbench import Workbench
from moderator.console.workshop.change import compare_draft
from moderator.console.workshop.recent import RecentPosts
from moderator.console.workshop.trial import Drafts
from moderator.embedder import Embedder
from moderator.errors import PolicyError
from moderator.ocr.base import Writing, Written
from moderator.posts import Post
from tests.builders import LIMITS, a_rule
from tests.console.workshop.conftest import POSTS, a_draft, kept, take
from tests.written import Says


def test_only_posts_that_are_new_or_were_sent_again_are_missing(recent: RecentPosts) -> None:
    assert recent.missing(kept(POSTS)) == []
    again = msgspec.structs.replace(kept(POSTS)[0], offset=99)
    assert recent.missing([again, *kept(POSTS)]) == [again]


def test_a_post_that_was_sent_again_takes_its_own_place(recent: RecentPosts) -> None:
    before = len(recent.snapshot().posts)
    take(recent, [Post(id="fire", text="something else")])
    posts = recent.snapshot().posts
    assert len(posts) == before
    assert posts[-1].text == "something else"
    assert recent.kept(before - 1).text == "something else"


def test_the_oldest_give_way(bench: Workbench) -> None:
    recent = RecentPosts(bench.embedder, 3)
    take(recent, POSTS[:3])
    take(recent, POSTS)
    assert [post.id for post in recent.snapshot().posts] == [post.id for post in POSTS[-3:]]
    assert recent.missing(kept(POSTS)) == []  # no more than there is room for are asked for


def test_no_bytes_of_attachments_are_kept(recent: RecentPosts) -> None:
    kept = [media for post in recent.snapshot().posts for media in post.media]
    assert kept
    assert not any(media.data for media in kept)


def test_what_is_written_in_pictures_stays_with_its_post(bench: Workbench) -> None:
    embedder = Embedder(bench.channels, LIMITS, decoder=Says(Written((Writing("red fire"),))))
    recent = RecentPosts(embedder, 100)
    take(recent, POSTS[:6])
    take(recent, [Post(id="fire", text="sent again"), POSTS[6]])
    store = recent.snapshot()
    assert [store.posts[quote.owner].id for quote in store.quotes] == [
        "red-picture",
        "blue-picture",
        "both",
    ]


def test_a_draft_is_compared_with_the_policy_it_is_a_draft_of(
    drafts: Drafts, recent: RecentPosts
) -> None:
    draft = a_draft(a_rule(), a_rule("water", violates=["blue sea", "blue"], action="review"))
    found = compare_draft(drafts, draft, recent.snapshot())
    assert found.posts == len(POSTS)
    assert {(before, after) for before, after, _ in found.moves} == {("allow", "review")}
    water = next(rule for rule in found.rules if rule.rule == "test/water")
    assert water.gained
    assert found.changed.low < found.changed.value < found.changed.high


def test_a_draft_under_another_name_stands_beside_the_others(
    drafts: Drafts, recent: RecentPosts
) -> None:
    found = compare_draft(drafts, a_draft(policy="other"), recent.snapshot())
    assert {rule.rule for rule in found.rules} == {"test/fire", "other/fire"}
    assert found.changed.hits == 0


def test_actions_that_contradict_those_in_force_are_told(
    drafts: Drafts, recent: RecentPosts
) -> None:
    drafts = Drafts(
        drafts.bench, drafts.load(a_draft(actions=["allow", "limit", "review", "block"]))
    )
    draft = a_draft(policy="other", actions=["allow", "review", "limit", "block"])
    with pytest.raises(PolicyError, match="contradict"):
        compare_draft(drafts, draft, recent.snapshot())
