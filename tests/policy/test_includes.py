"""Policies made of several files, and lists of prompts that rules share."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from moderator.errors import PolicyError
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from moderator.policy.schema import Policy

HEAD = "policy: a\nversion: 1\n"
RULE = """\
  - id: {id}
    title: A rule
    severity: low
    action: review
    threshold: 0.8
    violates: {violates}
"""

Load = Callable[..., PolicySet]


def a_rule(name: str, violates: str = "[Something bad.]") -> str:
    return RULE.format(id=name, violates=violates)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write `a.yaml` and the other files, and load the first."""
    monkeypatch.chdir(tmp_path)

    def write_and_load(text: str, **others: str) -> PolicySet:
        Path("a.yaml").write_text(text, encoding="utf-8")
        for name, content in others.items():
            path = Path(name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return load_policies([Path("a.yaml")])

    return write_and_load


def complaint(load: Load, text: str, **others: str) -> str:
    with pytest.raises(PolicyError) as caught:
        load(text, **others)
    return str(caught.value)


def test_rules_of_included_files_stand_before_the_policys_own(load: Load) -> None:
    policies = load(
        HEAD + "include: [more/one.yaml]\nrules:\n" + a_rule("own"),
        more__one="include: [two.yaml]\nrules:\n" + a_rule("one"),
        more__two="rules:\n" + a_rule("two"),
    )
    assert [rule.id for _, rule in policies] == ["two", "one", "own"]
    assert [path.name for path in policies.read] == [
        "a.yaml",
        "one.yaml",
        "two.yaml",
        "a.calibration.yaml",
    ]


def test_a_policy_may_consist_of_included_rules_alone_and_takes_its_defaults_to_them(
    load: Load,
) -> None:
    short = "rules: [{id: x, title: X, violates: [bad]}]\n"
    defaults = "defaults: {severity: high, action: block, threshold: 0.7}\n"
    ((_, rule),) = load(HEAD + "include: [one.yaml]\n" + defaults, one=short)
    assert (rule.severity, rule.threshold) == ("high", 0.7)


def test_a_shared_list_is_written_out_where_it_is_used(load: Load) -> None:
    policies = load(
        HEAD
        + "include: [shared.yaml]\nprompts: {mine: [My own.]}\nrules:\n"
        + a_rule("one", "[First., {use: theirs}, {use: mine}]")
        + "    image: {violates: [{use: theirs}], allows: [{use: mine}]}\n",
        shared="prompts: {theirs: [Shared one., Shared two.]}\n",
    )
    ((_, rule),) = policies
    assert rule.violates == ("First.", "Shared one.", "Shared two.", "My own.")
    assert rule.prompts("image") == (("Shared one.", "Shared two."), ("My own.",))


def test_how_a_policy_is_cut_into_files_makes_no_difference_to_its_digest(load: Load) -> None:
    cut = load(
        HEAD + "include: [one.yaml]\nprompts: {list: [Bad.]}\n",
        one="rules:\n" + a_rule("x", "[{use: list}]"),
    )
    whole = load(HEAD + "rules:\n" + a_rule("x", "[Bad.]"))
    assert cut.digest == whole.digest


def test_a_file_on_two_ways_is_included_once(load: Load) -> None:
    policies = load(
        HEAD + "include: [one.yaml, two.yaml]\n",
        one="include: [base.yaml]\n",
        two="include: [base.yaml]\n",
        base="rules:\n" + a_rule("x"),
    )
    assert len(policies) == 1


def test_a_mistake_in_an_included_file_is_told_with_its_own_line(load: Load) -> None:
    said = complaint(
        load,
        HEAD + "include: [sub/one.yaml]\n",
        sub__one="# a comment\nrules:\n" + a_rule("x").replace("threshold", "treshold"),
    )
    assert said == dedent("""\
        sub/one.yaml:7:5: unknown key `treshold`, did you mean `threshold`?
            7 |     treshold: 0.8
                    ^^^^^^^^""")


def test_a_mistake_in_a_shared_list_is_told_where_the_list_stands(load: Load) -> None:
    said = complaint(
        load,
        HEAD + "include: [one.yaml]\nrules:\n" + a_rule("x", "[{use: list}]"),
        one="prompts:\n  list:\n    - 5\n",
    )
    assert said.startswith("one.yaml:3:7: a prompt must be text, not 5; put it in quotes")


def test_a_rule_id_taken_in_another_file_names_that_file(load: Load) -> None:
    rules = "rules:\n" + a_rule("x")
    said = complaint(load, HEAD + "include: [one.yaml]\n" + rules, one=rules)
    assert said.startswith("a.yaml:5:9: rule id `x` is taken;")
    assert "the first is in one.yaml, line 2" in said


def test_an_unknown_list_is_answered_with_what_was_meant(load: Load) -> None:
    said = complaint(
        load, HEAD + "prompts: {news: [News.]}\nrules:\n" + a_rule("x", "[a, {use: nwes}]")
    )
    assert "a.yaml:10:25: unknown list `nwes`, did you mean `news`?" in said
    said = complaint(load, HEAD + "rules:\n" + a_rule("x", "[a, {use: nwes}]"))
    assert "there are no lists of prompts in this policy" in said


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("gone.yaml", "a.yaml:3:11: `gone.yaml` cannot be included: there is no such file"),
        ("/etc/passwd", "a.yaml:3:11: an include is a path relative to this file"),
        ("../secret.yaml", "a.yaml:3:11: `../secret.yaml` lies outside of the policy's folder"),
        ("sub/../../x.yaml", "a.yaml:3:11: `sub/../../x.yaml` lies outside of the policy's"),
        ("file:x.yaml", "a.yaml:3:11: an include is a path relative to this file"),
        ("a.yaml", "a.yaml:3:11: these files include each other: a.yaml → a.yaml"),
        ("loop.yaml", "loop.yaml:1:11: these files include each other: loop.yaml → loop.yaml"),
        ("whole.yaml", "whole.yaml:1:1: this is a policy of its own; what is included holds no"),
        ("wrong.yaml", "wrong.yaml:1:1: unknown key `rulse`, did you mean `rules`?"),
        ("list.yaml", "list.yaml: an included file holds `prompts` and `rules`"),
    ],
)
def test_what_cannot_be_included_is_refused(load: Load, wanted: str, said: str) -> None:
    text = HEAD + f"include: [{wanted}]\nrules:\n" + a_rule("x")
    others = {
        "loop": "include: [loop.yaml]\n",
        "whole": "policy: b\n",
        "wrong": "rulse: []\n",
        "list": "- a\n",
    }
    assert said in complaint(load, text, **others)


def test_a_link_that_leads_out_of_the_folder_is_refused(load: Load, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.yaml").write_text("rules: []\n")
    (inside / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (inside / "a.yaml").write_text(HEAD + "include: [link.yaml]\nrules:\n" + a_rule("x"))
    with pytest.raises(PolicyError, match="lies outside of the policy's folder"):
        load_policies([inside / "a.yaml"])


def test_a_list_of_the_same_name_in_two_files_is_refused(load: Load) -> None:
    text = HEAD + "include: [one.yaml]\nprompts: {x: [a]}\nrules:\n" + a_rule("x")
    said = complaint(load, text, one="prompts: {x: [b]}\n")
    assert said.startswith("a.yaml:4:11: the list `x` is also in one.yaml:1; give one another name")


def test_files_to_be_included_and_calibrations_are_no_policies_of_a_folder(
    load: Load, tmp_path: Path
) -> None:
    load(HEAD + "include: [_shared.yaml]\n", _shared="rules:\n" + a_rule("x"))
    assert load_policies([tmp_path]).name == "a"


def test_a_finished_policy_passes_through_its_dump_with_its_lists() -> None:
    rule = {"id": "x", "title": "X", "severity": "low", "action": "block", "threshold": 0.5}
    policy = Policy.model_validate(
        {
            "policy": "a",
            "version": 1,
            "prompts": {"l": ["a"]},
            "rules": [{**rule, "violates": ["a"]}],
        }
    )
    assert Policy.model_validate(policy.model_dump(mode="json")) == policy
