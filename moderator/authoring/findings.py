"""Problems and warnings of policy files in the formats that people, editors and CI read."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

from moderator.authoring.places import Places
from moderator.authoring.warn import CODES, Warned
from moderator.errors import PolicyError
from moderator.policy.policyset import PolicySet
from moderator.policy.problems import Problem

Format = Literal["text", "json", "sarif", "github"]
PROBLEM = "policy-problem"


class Finding(NamedTuple):
    """Something about a policy file. An error keeps it from being used."""

    level: Literal["error", "warning"]
    code: str
    problem: Problem


def from_error(error: PolicyError) -> list[Finding]:
    """The problems of an error; one without a place where it names none."""
    problems = error.problems or (Problem(Path(), 0, 0, str(error)),)
    return [Finding("error", PROBLEM, problem) for problem in problems]


def from_warnings(warned: Sequence[Warned], policies: PolicySet) -> list[Finding]:
    """Warnings with their places, in the order of files and lines."""
    places = Places(policies)
    found = [
        Finding(
            "warning", each.code, places.problem(each.rule, each.prompt, each.message, each.under)
        )
        for each in warned
    ]
    return sorted(found, key=lambda f: (str(f.problem.path), f.problem.line, f.problem.column))


def render(findings: Sequence[Finding], kind: Format) -> str:
    """All findings in one format; empty text where there are none and the format allows it."""
    return _RENDERERS[kind](findings)


def _text(findings: Sequence[Finding]) -> str:
    lines = []
    for level, code, problem in findings:
        where = f"{problem.path}:{problem.line}:{problem.column}" if problem.line else problem.path
        lines.append(f"{where}: {level}: {problem.message} [{code}]")
        lines += [problem.excerpt] if problem.excerpt else []
    return "\n".join(lines)


def _json(findings: Sequence[Finding]) -> str:
    rows = [
        {
            "level": level,
            "code": code,
            "path": problem.path.as_posix(),
            "line": problem.line or None,
            "column": problem.column or None,
            "message": problem.message,
        }
        for level, code, problem in findings
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""
    rules = {PROBLEM: "The policy cannot be used"} | dict(CODES)
    driver = {
        "name": "moderator",
        "version": version("moderator"),
        "rules": [{"id": k, "shortDescription": {"text": text}} for k, text in rules.items()],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in findings],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps(
        {"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False
    )


def _result(finding: Finding) -> dict[str, Any]:
    problem = finding.problem
    artifact = {"uri": problem.path.as_posix()}
    place: dict[str, Any] = {"artifactLocation": artifact}
    if problem.line:
        place["region"] = {"startLine": problem.line, "startColumn": problem.column}
    return {
        "ruleId": finding.code,
        "level": finding.level,
        "message": {"text": problem.message},
        "locations": [{"physicalLocation": place}],
    }


def _github(findings: Sequence[Finding]) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    lines = []
    for level, code, problem in findings:
        values = {"file": problem.path.as_posix(), "title": code}
        if problem.line:
            values |= {"line": str(problem.line), "col": str(problem.column)}
        told = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in values.items())
        lines.append(f"::{level} {told}::{_escaped(problem.message)}")
    return "\n".join(lines)


def _escaped(text: str, more: str = "") -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for char in more:
        text = text.replace(char, f"%{ord(char):02X}")
    return text


_RENDERERS: Mapping[Format, Callable[[Sequence[Finding]], str]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
