"""Recent posts, embedded when somebody asks."""

import msgspec
import pytest

from moderator.authoring.workbench import Workbench
from moderator.console.workshop.change import compare_draft
from moderator.console.workshop.recent import RecentPosts
from moderator.console.workshop.trial import Drafts
from moderator.encoders.fake import FakeTextEncoder
from moderator.errors import PolicyError
from tests.builders import a_rule
from tests.console.workshop.conftest import POSTS, a_draft


def test_posts_are_embedded_a_few_at_a_time_the_newest_first(bench: Workbench) -> None:
    recent = RecentPosts(bench, 100)
    assert recent.take(POSTS, 3) == 4
    assert {post.id for post in recent.snapshot().posts} == {post.id for post in POSTS[-3:]}
    assert recent.take(POSTS, 100) == 0
    assert len(recent.snapshot().posts) == len(POSTS)


def test_a_post_is_embedded_once_and_again_when_it_changed(bench: Workbench) -> None:
    recent, encoder = RecentPosts(bench, 100), bench.channels["text"].text
    assert isinstance(encoder, FakeTextEncoder)
    recent.take(POSTS, 100)
    encoder.encoded.clear()
    recent.take([*POSTS, msgspec.structs.replace(POSTS[0], text="something else")], 100)
    assert encoder.encoded == ["something else"]
    assert len(recent.snapshot().posts) == len(POSTS)


def test_the_oldest_give_way(bench: Workbench) -> None:
    recent = RecentPosts(bench, 3)
    recent.take(POSTS[:3], 100)
    recent.take(POSTS, 100)
    assert [post.id for post in recent.snapshot().posts] == [post.id for post in POSTS[-3:]]


def test_no_bytes_of_attachments_are_kept(recent: RecentPosts) -> None:
    kept = [media for post in recent.snapshot().posts for media in post.media]
    assert kept
    assert not any(media.data for media in kept)


def test_a_draft_is_compared_with_the_policy_it_is_a_draft_of(
    drafts: Drafts, recent: RecentPosts
) -> None:
    in_force = drafts.bench.compile(drafts.in_force)
    draft = a_draft(a_rule(), a_rule("water", violates=["blue sea", "blue"], action="review"))
    found = compare_draft(drafts, in_force, draft, recent.snapshot())
    assert found.posts == len(POSTS)
    assert {(before, after) for before, after, _ in found.moves} == {("allow", "review")}
    water = next(rule for rule in found.rules if rule.rule == "test/water")
    assert water.gained
    assert found.changed.low < found.changed.value < found.changed.high


def test_a_draft_under_another_name_stands_beside_the_others(
    drafts: Drafts, recent: RecentPosts
) -> None:
    in_force = drafts.bench.compile(drafts.in_force)
    found = compare_draft(drafts, in_force, a_draft(policy="other"), recent.snapshot())
    assert {rule.rule for rule in found.rules} == {"test/fire", "other/fire"}
    assert found.changed.hits == 0


def test_actions_that_contradict_those_in_force_are_told(
    drafts: Drafts, recent: RecentPosts
) -> None:
    drafts = Drafts(
        drafts.bench, drafts.load(a_draft(actions=["allow", "limit", "review", "block"]))
    )
    in_force = drafts.bench.compile(drafts.in_force)
    draft = a_draft(policy="other", actions=["allow", "review", "limit", "block"])
    with pytest.raises(PolicyError, match="contradict"):
        compare_draft(drafts, in_force, draft, recent.snapshot())
