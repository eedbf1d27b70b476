"""When policy files count as changed."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from moderator.errors import PolicyError
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from moderator.stream import files
from moderator.stream.files import FileWatch
from tests.builders import a_policy, a_rule

SEA = a_rule("sea", violates=["blue sea"])


def watched(path: Path) -> FileWatch:
    """A watch on policies that were loaded a moment ago."""
    watch = FileWatch([path])
    watch.load()
    return watch


@pytest.mark.parametrize("edited", ["a.yaml", "b.yaml"])
def test_what_is_written_while_files_are_read_is_a_change(
    edited: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(a_policy(a_rule())))

    def interrupted(paths: Sequence[Path]) -> PolicySet:
        policies = load_policies(paths)
        name = edited.removesuffix(".yaml")
        (tmp_path / edited).write_text(json.dumps({**a_policy(a_rule(), SEA), "policy": name}))
        return policies

    with monkeypatch.context() as patched:
        patched.setattr(files, "load_policies", interrupted)
        watch = watched(tmp_path)
    assert [watch.have_changed(), watch.have_changed()] == [False, True]
    watch.load()
    assert not watch.have_changed()


def test_a_file_that_is_no_longer_included_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "_more.yaml").write_text("rules: []")
    (tmp_path / "a.yaml").write_text(json.dumps(a_policy(a_rule(), include=["_more.yaml"])))
    watch = watched(tmp_path)
    (tmp_path / "a.yaml").write_text(json.dumps(a_policy(a_rule())))
    assert [watch.have_changed(), watch.have_changed()] == [False, True]
    watch.load()
    assert [watch.have_changed(), watch.have_changed()] == [False, False]


def test_files_that_change_are_seen_once_they_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    shared = tmp_path / "_shared.yaml"
    shared.write_text(json.dumps({"rules": [a_rule()]}))
    file.write_text("policy: a\nversion: 1\ninclude: [_shared.yaml]\n")
    watch = watched(tmp_path)
    assert not watch.have_changed()
    shared.write_text(json.dumps({"rules": [a_rule(), SEA]}))
    assert not watch.have_changed()  # it may still be being written
    shared.write_text(json.dumps({"rules": [a_rule(), SEA, a_rule("x")]}))
    assert not watch.have_changed()
    assert watch.have_changed()
    assert len(watch.load()) == 3
    assert not watch.have_changed()


@pytest.mark.parametrize("name", ["b.yaml", "a.calibration.yaml"])
def test_files_that_appear_are_seen(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(a_policy(a_rule())))
    watch = watched(tmp_path)
    (tmp_path / name).write_text("x: 1")
    assert [watch.have_changed(), watch.have_changed()] == [False, True]
    with pytest.raises(PolicyError):
        watch.load()
    assert not watch.have_changed()
    (tmp_path / name).unlink()
    assert [watch.have_changed(), watch.have_changed()] == [False, True]
    assert len(watch.load()) == 1


def test_an_included_file_that_was_wrong_is_watched_as_well(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(a_policy(a_rule())))
    watch = watched(tmp_path / "a.yaml")
    (tmp_path / "_more.yaml").write_text("rulse: []")
    (tmp_path / "a.yaml").write_text(json.dumps(a_policy(a_rule(), include=["_more.yaml"])))
    watch.have_changed()
    assert watch.have_changed()
    with pytest.raises(PolicyError):
        watch.load()
    (tmp_path / "_more.yaml").write_text("rules: []")
    assert [watch.have_changed(), watch.have_changed()] == [False, True]
