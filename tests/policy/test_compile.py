import numpy as np
import pytest

from moderator.cache.memory import MemoryCache
from moderator.encoders.base import Space
from moderator.encoders.fake import FakeTextEncoder, fake_space
from moderator.errors import PolicyError
from moderator.scoring.calibration import logit
from tests.builders import a_policy, a_rule, a_set, compiled


def encoded(space: Space) -> list[str]:
    """What the space's text encoder was asked, in order."""
    assert isinstance(space.text, FakeTextEncoder)
    return space.text.encoded


def test_a_rule_becomes_the_direction_of_its_prompts(space: Space) -> None:
    rule = a_rule(violates=["red fire", "hot ember"], allows=["warm oven"])
    w = compiled(rule, space=space).channels["text"].directions[:, 0]
    vectors = space.text.encode(["red fire", "hot ember", "warm oven", *space.neutral]).vectors
    difference = vectors[:2].mean(axis=0) - vectors[2:].mean(axis=0)
    assert w == pytest.approx(difference / np.linalg.norm(difference), abs=1e-6)


def test_rules_that_are_off_are_left_out() -> None:
    rules = compiled(a_rule("one"), a_rule("two", mode="off"), a_rule("three", mode="shadow"))
    assert rules.ids == ("test/one", "test/three")
    assert rules.channels["text"].directions.shape == (64, 2)


def test_rules_keep_their_order_review_lines_and_actions() -> None:
    policies = a_set(
        a_policy(
            a_rule("z", review_at=0.3), policy="b", actions=["allow", "label", "review", "block"]
        ),
        a_policy(a_rule("y", threshold=0.9, review_at=0.9), policy="a"),
    )
    rules = compiled(policies=policies)
    assert rules.ids == ("a/y", "b/z")
    assert rules.review_log_odds == pytest.approx([logit(0.9), logit(0.3)])
    assert rules.actions == ("allow", "label", "review", "block")
    assert rules.receipt.policy.digest == policies.digest


def test_a_channel_that_a_rule_does_not_read_is_a_zero_column() -> None:
    rules = compiled(a_rule("words", channels=["text"]), a_rule("any"))
    text, image = rules.channels["text"], rules.channels["image"]
    assert text.reads.tolist() == [True, True]
    assert image.reads.tolist() == [False, True]
    assert not image.directions[:, 0].any()
    assert image.directions[:, 1].any()


def test_prompts_of_a_channels_own_replace_the_shared_ones() -> None:
    own = {"violates": ["blue sea"]}
    rules = compiled(a_rule(image=own), a_rule("sea", violates=["blue sea"]))
    image = rules.channels["image"]
    assert np.array_equal(image.directions[:, 0], image.directions[:, 1])
    assert image.prompts == ("blue sea",)
    assert rules.channels["text"].prompts == ("red fire", "blue sea")
    assert [rows.tolist() for rows in rules.channels["text"].violates] == [[0], [1]]


def test_rules_are_grouped_by_their_fusion() -> None:
    weighted = {"fusion": "weighted", "weights": {"image": 2.0}}
    rules = compiled(a_rule("a"), a_rule("b", **weighted), a_rule("c"))
    by_kind = {group.kind: group for group in rules.fusion}
    assert set(by_kind) == {"max", "weighted"}
    assert np.arange(3)[by_kind["max"].columns].tolist() == [0, 2]
    assert by_kind["weighted"].weights.tolist() == [[1.0], [2.0], [1.0]]  # text, image, keywords


def test_sides_that_mean_the_same_are_refused_with_the_rules_name() -> None:
    rule = a_rule("vague", violates=["An ordinary day"])  # neutral, but for a capital letter
    with pytest.raises(PolicyError, match=r"test/vague: .*cannot tell them apart; reword"):
        compiled(a_rule(), rule)


def test_a_policy_whose_rules_are_all_off_is_refused() -> None:
    with pytest.raises(PolicyError, match="nothing would be checked"):
        compiled(a_rule(mode="off"), a_rule("other", mode="off"))


def test_a_rule_that_no_channel_in_use_can_read_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"test/seen: reads image, .* read only text"):
        compiled(a_rule(), a_rule("seen", channels=["image"]), space=fake_space(images=False))


def test_a_rule_of_both_channels_compiles_for_texts_alone() -> None:
    assert set(compiled(space=fake_space(images=False)).channels) == {"text"}


def test_every_prompt_is_embedded_once(space: Space) -> None:
    shared = ["red fire", "hot ember"]
    compiled(a_rule("one", violates=shared), a_rule("two", violates=shared[::-1]), space=space)
    assert sorted(encoded(space)) == sorted([*shared, *space.neutral])


def test_a_second_compile_with_the_same_cache_embeds_nothing(space: Space) -> None:
    cache = MemoryCache(100)
    first = compiled(space=space, cache=cache)
    encoded(space).clear()
    second = compiled(space=space, cache=cache)
    assert encoded(space) == []
    for name in space.channels:
        assert np.array_equal(first.channels[name].directions, second.channels[name].directions)


def test_a_changed_prompt_is_the_only_one_embedded_anew(space: Space) -> None:
    cache = MemoryCache(100)
    compiled(a_rule(violates=["red fire", "hot ember"]), space=space, cache=cache)
    encoded(space).clear()
    compiled(a_rule(violates=["red fire", "hot embers"]), space=space, cache=cache)
    assert encoded(space) == ["hot embers"]
