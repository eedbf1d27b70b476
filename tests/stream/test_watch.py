"""When policy files count as changed."""

import json
from pathlib import Path

import pytest

from moderator.errors import PolicyError
from moderator.policy.load import load_policies
from moderator.stream.watch import FileWatch
from tests.builders import a_policy, a_rule

SEA = a_rule("sea", violates=["blue sea"])


def watched(path: Path) -> FileWatch:
    """A watch on policies that were loaded a moment ago."""
    return FileWatch([path], load_policies([path]).read)


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
