"""A policy that somebody types into a page: no file is looked at, and it cannot cost much."""

import json
import sys
import time
from pathlib import Path

import pytest

from moderator.errors import PolicyError
from moderator.policy.load import MAX_DRAFT_CHARACTERS, load_draft, load_policies

POLICIES = Path(__file__).parents[2] / "policies"
_opened: list[str] = []
_hooked: list[bool] = []


def _hear(event: str, given: tuple[object, ...]) -> None:
    if event == "open":
        _opened.append(str(given[0]))


def opened_by(text: str) -> list[str]:
    """Every file that the interpreter opens while a draft is loaded."""
    if not _hooked:  # a hook stays for good
        sys.addaudithook(_hear)
        _hooked.append(True)
    _opened.clear()
    with pytest.raises(PolicyError):
        load_draft(text)
    return [path for path in _opened if not path.endswith((".py", ".pyc", ".so"))]


@pytest.mark.parametrize("policy", sorted(POLICIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_draft_means_what_the_file_means(policy: Path) -> None:
    assert load_draft(policy.read_text()).policies == load_policies([policy]).policies


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "_prompts.yaml", "../../etc/passwd", "~/.ssh/id", r"\\host\x", "a\0b"]
)
def test_an_include_is_refused_and_no_file_is_opened(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "_prompts.yaml").write_text("prompts: {secret: [the password is 1234]}")
    monkeypatch.chdir(tmp_path)
    text = f"policy: a\nversion: 1\ninclude: [{json.dumps(name)}]\nrules: []\n"
    assert opened_by(text) == []
    with pytest.raises(PolicyError, match=r"draft\.yaml:3:11: a draft includes no files"):
        load_draft(text)


def test_a_problem_is_told_with_its_line_and_the_fix() -> None:
    text = (POLICIES / "minimal.yaml").read_text().replace("severity:", "severty:", 1)
    with pytest.raises(PolicyError) as caught:
        load_draft(text)
    (problem, *_) = caught.value.problems
    assert problem.line
    assert "did you mean" in str(caught.value)


BOMBS = {
    "aliases": "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi")),  # noqa: B905
    "itself": "a: &a [*a]",
    "merged": "a: &a {x: 1}\n" + "".join(f"b{n}: {{<<: [{'*a,' * 99}*a]}}\n" for n in range(900)),
    "deep": "[" * 90_000,
    "keys": "? " * 45_000,
    "quotes": "- '" * 30_000,
    "entries": "".join(f"k{number}: 1\n" for number in range(9_000)),
    "long": "x" * (MAX_DRAFT_CHARACTERS + 1),
    "rules": "policy: a\nversion: 1\nrules:\n" + "  - {id: x}\n" * 3_000,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_what_is_made_to_cost_much_is_refused_soon(text: str) -> None:
    began = time.process_time()
    with pytest.raises(PolicyError):
        load_draft(text)
    assert time.process_time() - began < 2
