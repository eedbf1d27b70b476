"""First policies and their layout."""

from pathlib import Path

import pytest

from moderator.authoring.layout import formatted, write_formatted
from moderator.authoring.scaffold import write_new
from moderator.errors import PolicyError, StartupError
from moderator.policy.calibration_file import (
    CalibrationFile,
    RuleCalibration,
    calibration_path,
    rule_digest,
    write_calibration,
)
from moderator.policy.load import load_policies
from moderator.settings import bundled

UNTIDY = """# who owns this
policy:   messy
version: 1
rules:
- id: fire # why it is called so
  title: "Fire"
  severity: high
  action: block
  threshold: 0.80


  violates: &prompts
  - red   fire
  - 'it''s hot'
  # the next one came from reports
  - LONG
- {id: heat, title: Heat, severity: low, action: review, threshold: 0.5, violates: *prompts}
""".replace("LONG", "a very long sentence that goes on " * 4 + "and ends")


def test_a_new_policy_is_in_our_layout_and_loads(tmp_path: Path) -> None:
    path = tmp_path / "first.yaml"
    write_new("first", path)
    assert load_policies([path]).name == "first"
    assert formatted(path) == path.read_text()


@pytest.mark.parametrize("name", ["Bad Name", "x: y", ""])
def test_a_name_that_no_policy_may_have_leaves_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(PolicyError):
        write_new(name, tmp_path / "x.yaml")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("mine")
    with pytest.raises(StartupError, match="is there already"):
        write_new("x", tmp_path / "x.yaml")
    assert (tmp_path / "x.yaml").read_text() == "mine"


def test_layout_keeps_comments_anchors_and_meaning_and_is_stable(tmp_path: Path) -> None:
    path = tmp_path / "messy.yaml"
    path.write_text(UNTIDY)
    before = load_policies([path]).digest
    text = formatted(path)
    for kept in ("# who owns this", "# why it is called so", "# the next one came", "&prompts"):
        assert kept in text
    assert "  - id: fire" in text
    assert max(map(len, text.splitlines())) <= 100
    write_formatted(path, text)
    assert load_policies([path]).digest == before
    assert formatted(path) == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_calibrated_policy_is_laid_out_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "messy.yaml"
    path.write_text(UNTIDY)
    policy, rule = next(iter(load_policies([path])))
    made = RuleCalibration(digest=rule_digest(rule))
    file = CalibrationFile(calibration=policy.name, rules={rule.id: made})
    write_calibration(calibration_path(path), file)
    before = load_policies([path])
    assert before.calibration(policy, rule) == made
    write_formatted(path, formatted(path))
    assert path.read_text() != UNTIDY
    assert load_policies([path]).digest == before.digest


@pytest.mark.parametrize("path", sorted(bundled("policies").glob("*.yaml")), ids=lambda p: p.name)
def test_the_policies_that_ship_are_in_our_layout(path: Path) -> None:
    assert formatted(path) == path.read_text()


def test_a_layout_that_would_change_what_a_policy_says_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "messy.yaml"
    path.write_text(UNTIDY)
    with pytest.raises(StartupError, match="would change its meaning"):
        write_formatted(path, UNTIDY.replace("red   fire", "blue sea"))
    assert path.read_text() == UNTIDY
    assert list(tmp_path.iterdir()) == [path]
