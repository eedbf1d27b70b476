"""The hooks for pre-commit, run as pre-commit runs them on the commits of a repository."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

HOME = Path(__file__).parents[1]
CHECK, TEST = "moderator-policy-check", "moderator-policy-test"
MAIN = """
policy: shop
version: 1
include: [_common.yaml]
rules:
  - id: slurs
    title: Slurs
    severity: high
    action: block
    threshold: 0.5
    keywords: [foobar]
    violates:
      - use: insults
    examples: {violates: [You foobar], allows: []}
"""
COMMON = "prompts: {insults: [an insult]}\n"
_SNIPPET = re.compile(r"^```yaml\n(repos:.*?)^```$", re.MULTILINE | re.DOTALL)


def shipped() -> dict[str, dict[str, Any]]:
    hooks = YAML(typ="safe").load((HOME / ".pre-commit-hooks.yaml").read_text())
    return {hook["id"]: hook for hook in hooks}


def of_the_tutorial() -> dict[str, dict[str, Any]]:
    """The hooks as the tutorial sets them up."""
    found = _SNIPPET.search((HOME / "docs" / "tutorial.md").read_text())
    assert found is not None
    [repository] = YAML(typ="safe").load(found[1])["repos"]
    return {hook["id"]: shipped()[hook["id"]] | hook for hook in repository["hooks"]}


class Repository:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._git("init", "--quiet")
        self.commit({"policies/main.yaml": MAIN, "policies/_common.yaml": COMMON})

    def commit(self, files: Mapping[str, str]) -> None:
        self._stage(files)
        name = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        self._git(*name, "commit", "--quiet", "--message", "A step")

    def changed(
        self, files: Mapping[str, str], hook: Mapping[str, Any]
    ) -> subprocess.CompletedProcess[str] | None:
        """What a hook says to a commit of these files; None where it does not run."""
        self._stage(files)
        staged = self._git("diff", "--staged", "--name-only", "--diff-filter=ACMRTUXB").splitlines()
        wanted, spared = re.compile(hook.get("files", "")), re.compile(hook.get("exclude", "^$"))
        names = [name for name in staged if wanted.search(name) and not spared.search(name)]
        if not names:
            return None
        command = [*shlex.split(hook["entry"]), *hook.get("args", ())]
        command += names if hook.get("pass_filenames", True) else []
        assert command[0] == "moderator"
        return self._run(sys.executable, "-m", *command)

    def _stage(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self._root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self._git("add", "--all")

    def _git(self, *arguments: str) -> str:
        done = self._run("git", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        # In a hook of our own repository git names that one in variables.
        inherited = {key: value for key, value in os.environ.items() if key[:4] != "GIT_"}
        own = {
            "PYTHONPATH": str(HOME),
            "XDG_CACHE_HOME": str(self._root.with_name("cache")),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        return subprocess.run(
            command,
            cwd=self._root,
            env=inherited | own,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "shop").mkdir()
    return Repository(tmp_path / "shop")


HOOKS = [
    pytest.param(shipped()[CHECK], id="check"),
    pytest.param(shipped()[TEST], id="test"),
    pytest.param(of_the_tutorial()[TEST], id="test of the tutorial"),
]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_file_that_others_include_can_be_committed(
    repository: Repository, hook: Mapping[str, Any]
) -> None:
    done = repository.changed({"policies/_common.yaml": f"# mended\n{COMMON}"}, hook)
    assert done is not None
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("hook", HOOKS)
def test_an_included_file_that_breaks_its_policy_is_refused(
    repository: Repository, hook: Mapping[str, Any]
) -> None:
    done = repository.changed({"policies/_common.yaml": "prompts: {slanders: [a lie]}\n"}, hook)
    assert done is not None
    assert done.returncode == 2
    assert "unknown list `insults`" in done.stderr


def test_a_policy_whose_name_another_has_is_refused(repository: Repository) -> None:
    done = repository.changed({"policies/other.yaml": MAIN}, shipped()[CHECK])
    assert done is not None
    assert "policy `shop` is also in" in done.stderr


def test_a_rule_that_fails_its_examples_is_refused(repository: Repository) -> None:
    changed = MAIN.replace("[foobar]", "[{term: foobar, score: 0.001}]").replace(
        "violates:\n      - use: insults", "channels: [text]"
    )
    done = repository.changed({"policies/main.yaml": changed}, shipped()[TEST])
    assert done is not None
    assert done.returncode == 1
    assert "FAIL" in done.stdout


def test_a_calibration_that_cannot_be_read_is_refused(repository: Repository) -> None:
    done = repository.changed({"policies/main.calibration.yaml": "no"}, shipped()[CHECK])
    assert done is not None
    assert done.returncode == 2


@pytest.mark.parametrize("hook", HOOKS)
def test_what_is_no_policy_is_not_looked_at(
    repository: Repository, hook: Mapping[str, Any]
) -> None:
    assert repository.changed({"README.md": "Shop", "web/policies/x.yaml": "a: b"}, hook) is None
