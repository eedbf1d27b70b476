"""The policies that come with the project, judged by the models that come with it."""

from collections import Counter
from pathlib import Path

from moderator.app import build_core
from moderator.policy.load import load_policies
from moderator.posts import Post
from moderator.reading import LoadedPost
from moderator.settings import bundled, load_settings

POLICIES = bundled("policies")


def test_every_rule_has_prompts_and_examples_on_both_sides() -> None:
    policies = load_policies([POLICIES])
    assert len(policies.policies) >= 4
    for _, rule in policies:
        for channel in rule.channels:
            violates, allows = rule.prompts(channel)
            assert len(violates) >= 3
            assert len(allows) >= 3
        assert rule.examples is not None
        assert len(rule.examples.violates) >= 3
        assert len(rule.examples.allows) >= 3


def test_most_examples_fire_or_pass_as_they_should_with_the_starter_models(starter: Path) -> None:
    """Zero-shot and small: the models' card says how far to trust them. This guards the floor."""
    core = build_core(load_settings({"models": starter, "verdict_detail": "full"}))
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for policy, rule in load_policies([POLICIES]):
        for side in ("violates", "allows"):
            for example in getattr(rule.examples, side):
                (verdict,) = core.screener.screen([LoadedPost(Post(id="1", text=example.text))])
                (result,) = [r for r in verdict.rules if r.id == f"{policy.name}/{rule.id}"]
                fired = result.score >= result.review_at
                total[side] += 1
                right[side] += fired == (side == "violates")

    assert right["violates"] / total["violates"] >= 0.75
    assert right["allows"] / total["allows"] >= 0.75
