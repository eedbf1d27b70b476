"""Several policies as one: order, name, digest, actions."""

from pathlib import Path
from typing import Any

import pytest

from moderator.errors import PolicyError
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet, merge_actions, qualified_id
from moderator.policy.schema import Policy

SPACIOUS = """\
# a comment
policy: a
version: "1"
defaults:
  threshold: 0.8
rules:
  - title: One   # another
    id: one
    severity: high
    action: block
    violates:
      - |
        It is bad.
"""
DENSE = """\
{policy: a, version: 1, rules: [{id: one, title: One, severity: high, action: block,
 threshold: 0.80, violates: ["It is bad."]}]}
"""


def policy(name: str, *rules: str, **keys: Any) -> Policy:
    common = {"title": "x", "severity": "low", "action": "block", "threshold": 0.8}
    written = [{"id": rule, **common, "violates": ["x"]} for rule in rules or ("one",)]
    return Policy.model_validate({"policy": name, "version": 1, "rules": written, **keys})


def load(tmp_path: Path, text: str) -> PolicySet:
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    return load_policies([tmp_path / "a.yaml"])


def test_rules_come_in_the_order_of_policy_names_and_then_of_the_file() -> None:
    policies = PolicySet((policy("b", "z", "y"), policy("a", "x")))
    assert [qualified_id(p, rule) for p, rule in policies] == ["a/x", "b/z", "b/y"]
    assert len(policies) == 3
    assert policies.rule("b/y").id == "y"


def test_names_and_versions_are_joined() -> None:
    policies = PolicySet((policy("b", version="2026-01"), policy("a", version=7)))
    assert (policies.name, policies.version) == ("a+b", "7+2026-01")


def test_the_digest_does_not_depend_on_how_the_file_is_written(tmp_path: Path) -> None:
    digest = load(tmp_path, SPACIOUS).digest
    assert load(tmp_path, DENSE).digest == digest
    assert len(bytes.fromhex(digest)) == 16


@pytest.mark.parametrize(
    ("old", "new"), [("0.8", "0.81"), ("bad", "good"), ('"1"', '"2"'), ("block", "review")]
)
def test_the_digest_changes_with_what_the_file_says(tmp_path: Path, old: str, new: str) -> None:
    digest = load(tmp_path, SPACIOUS).digest
    assert load(tmp_path, SPACIOUS.replace(old, new)).digest != digest


def test_the_digest_does_not_depend_on_the_order_of_files() -> None:
    a, b = policy("a"), policy("b")
    assert PolicySet((a, b)).digest == PolicySet((b, a)).digest
    assert PolicySet((a, b)) == PolicySet((b, a))


def test_two_policies_of_one_name_are_refused() -> None:
    with pytest.raises(PolicyError, match="two policies have the same name, among a, a"):
        PolicySet((policy("a"), policy("a")))


def test_actions_of_all_policies_become_one_order() -> None:
    a = policy("a", actions=["allow", "label", "review", "block"])
    b = policy("b", actions=["allow", "review", "limit", "block", "ban"])
    expected = ("allow", "label", "review", "limit", "block", "ban")
    assert PolicySet((a, b)).actions == expected
    assert merge_actions((b, a)) == expected


def test_orders_that_contradict_each_other_only_all_together_are_refused() -> None:
    def ordered(name: str, *own: str) -> Policy:
        return policy(name, actions=["allow", *own, "review", "block"])

    trio = (ordered("a", "x", "y"), ordered("b", "y", "z"), ordered("c", "z", "x"))
    with pytest.raises(PolicyError, match="contradict each other about `actions`"):
        PolicySet(trio)


def test_an_image_of_an_example_is_found_from_its_policy_file(tmp_path: Path) -> None:
    examples = "    examples: {violates: [{image: img/gun.jpg}, only text]}\n"
    policies = load(tmp_path, SPACIOUS + examples)
    (held, rule), *_ = policies
    image, text = rule.examples.violates
    assert policies.image_of(held, image) == tmp_path / "img" / "gun.jpg"
    assert policies.image_of(held, text) is None
