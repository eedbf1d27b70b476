"""A draft tried on a post that somebody types."""

import pytest

from moderator.console.workshop.trial import MAX_PROMPTS, Drafts, try_out, why
from moderator.encoders.fake import FakeTextEncoder
from moderator.errors import PolicyError
from tests.builders import a_rule, picture
from tests.console.workshop.conftest import a_draft


def test_every_rule_is_scored_by_channel_with_the_nearest_prompts_of_both_sides(
    drafts: Drafts,
) -> None:
    draft = a_draft(a_rule(allows=["blue sea"]), a_rule("grass", violates=["green meadow"]))
    tried = try_out(drafts, draft, "red fire", picture("green"))
    fire, grass = sorted(tried.rules, key=lambda rule: rule.score.id)
    assert tried.action == "block"
    assert fire.score.channels["text"].score > 0.8 > fire.score.channels["image"].score
    assert grass.score.channels["image"].score > grass.score.channels["text"].score
    assert [near.side for near in fire.near["text"]] == ["violates", "allows"]
    assert fire.near["text"][0].prompt == "red fire"
    assert fire.near["text"][0].similarity == pytest.approx(1, abs=1e-3)


def test_a_score_moves_with_the_rule(drafts: Drafts) -> None:
    (before,) = try_out(drafts, a_draft(), "red lantern", None).rules
    (after,) = try_out(drafts, a_draft(a_rule(allows=["red lantern"])), "red lantern", None).rules
    assert after.score.score < before.score.score


def test_only_what_is_new_is_embedded(drafts: Drafts) -> None:
    encoder = drafts.bench.channels["text"].text
    assert isinstance(encoder, FakeTextEncoder)
    try_out(drafts, a_draft(), "red fire", None)
    encoder.encoded.clear()
    try_out(drafts, a_draft(a_rule(violates=["red fire", "smoke"])), "hot", None)
    assert sorted(encoder.encoded) == ["hot", "smoke"]


def test_a_shadow_rule_does_not_act(drafts: Drafts) -> None:
    tried = try_out(drafts, a_draft(a_rule(mode="shadow")), "red fire", None)
    assert tried.action == "allow"
    assert tried.rules[0].score.action == "block"


def test_an_image_that_cannot_be_read_is_told_and_never_allowed(drafts: Drafts) -> None:
    tried = try_out(drafts, a_draft(), "blue sea", b"<svg onload=alert(1)>")
    assert tried.action == "review"
    assert tried.unread[0].status == "failed"


def test_words_are_taken_out_one_by_one_for_one_rule(drafts: Drafts) -> None:
    found = why(drafts, a_draft(), "such a fire there", None, "test/fire")
    assert max(found.words, key=lambda word: word.effect).text == "fire"
    assert found.flips


def test_a_rule_that_is_not_there_is_told(drafts: Drafts) -> None:
    with pytest.raises(PolicyError, match="no rule `test/water`"):
        why(drafts, a_draft(), "red", None, "test/water")


def test_a_draft_of_too_many_prompts_is_refused_before_it_is_embedded(drafts: Drafts) -> None:
    prompts = [f"prompt {number}" for number in range(MAX_PROMPTS + 1)]
    with pytest.raises(PolicyError, match="601 prompts"):
        try_out(drafts, a_draft(a_rule(violates=prompts)), "red", None)
