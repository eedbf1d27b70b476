"""The policies that come with the project, judged by the models that come with it."""

from pathlib import Path

import pytest

from moderator.app import build_workbench
from moderator.authoring.examples import run_examples
from moderator.policy.load import load_policies
from moderator.settings import bundled, load_settings

POLICIES = bundled("policies")

# What the small starter models get wrong, zero-shot: `moderator policy test policies` says how.
# None of `minimal`, which is there to be copied.
KNOWN = {
    "community/scams must pass 2",
    "community/self-harm must pass 2",
    "community/sexual-content must fire 3",
    "community/threats must pass 3",
    "kids/dangerous-stunts must fire 2",
    "kids/personal-contact must pass 2",
    "kids/smoking must pass 1",
    "kids/weapons must fire 2",
    "marketplace/counterfeit must fire 3",
    "marketplace/counterfeit must pass 1",
    "marketplace/off-platform-payment must pass 2",
    "marketplace/weapons must pass 2",
}


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


def test_examples_fire_or_pass_as_they_should_with_the_starter_models(
    starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bench = build_workbench(load_settings({"models": starter}))
    failed = {
        outcome.case.name for outcome in run_examples(load_policies([POLICIES]), bench).failures
    }
    assert failed <= KNOWN
    assert len(KNOWN - failed) <= 3, "take what passes by now off the list"
