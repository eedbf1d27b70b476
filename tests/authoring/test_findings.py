"""The messages of `policy check`, word for word, in every format."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from moderator.authoring.findings import Finding, from_error, from_warnings, render
from moderator.authoring.warn import CODES, Warned
from moderator.errors import PolicyError
from moderator.policy.load import load_policies

POLICY = """policy: sea
version: 1
defaults: {severity: high, action: block, threshold: 0.8, review_at: 0.5}
rules:
  - id: fire
    title: Fire
    violates:
      - red fire
      - "quoted: prompt"
      - >-
        a prompt that is folded over
        two lines
  - title: Sea
    id: sea
    violates: &shared [blue sea]
  - id: lake
    title: Lake
    violates: *shared
"""

# The part of the SARIF 2.1.0 schema (OASIS) that our output uses.
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {"required": ["id"]},
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "items": {
                            "required": ["message"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"required": ["text"]},
                                "locations": {
                                    "items": {
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "region": {
                                                        "properties": {
                                                            "startLine": {"minimum": 1},
                                                            "startColumn": {"minimum": 1},
                                                        }
                                                    }
                                                },
                                            }
                                        }
                                    }
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}


@pytest.fixture
def findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """One error and warnings at prompts written in all the ways there are."""
    monkeypatch.chdir(tmp_path)
    path = Path("sea.yaml")
    path.write_text(POLICY)
    policies = load_policies([path])
    warned = [
        Warned("rules-alike", "sea/sea", None, "looks for nearly the same"),
        Warned("prompts-alike", "sea/lake", "blue sea", "nearly the same, 100%\nreally"),
        Warned("wrong-side", "sea/fire", "quoted: prompt", "this prompt is closer"),
        Warned("prompt-cut", "sea/fire", "a prompt that is folded over two lines", "too long"),
        Warned("swallowed", "sea/fire", "not in the file", "never makes a difference"),
    ]
    broken = Path("broken.yaml")
    broken.write_text("policy: broken\nversion: 1\nrules:\n  - id: one\n    titel: One\n")
    with pytest.raises(PolicyError) as caught:
        load_policies([broken])
    return from_error(caught.value)[:1] + from_warnings(warned, policies)


def test_text_shows_the_place_the_line_and_the_code(findings: list[Finding]) -> None:
    assert render(findings[1:], "text") == (
        """\
sea.yaml:5:9: warning: never makes a difference [swallowed]
    5 |   - id: fire
                ^^^^
sea.yaml:9:10: warning: this prompt is closer [wrong-side]
    9 |       - "quoted: prompt"
                 ^^^^^^^^^^^^^^
sea.yaml:11:9: warning: too long [prompt-cut]
   11 |         a prompt that is folded over
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
sea.yaml:14:9: warning: looks for nearly the same [rules-alike]
   14 |     id: sea
                ^^^
sea.yaml:15:24: warning: nearly the same, 100%
really [prompts-alike]
   15 |     violates: &shared [blue sea]
                               ^^^^^^^^"""
    )


def test_github_gets_workflow_commands_on_a_line_each(findings: list[Finding]) -> None:
    first, *_, last = render(findings, "github").splitlines()
    assert first.startswith("::error file=broken.yaml,title=policy-problem,line=")
    assert last == (
        "::warning file=sea.yaml,title=prompts-alike,line=15,col=24::"
        "nearly the same, 100%25%0Areally"
    )


def test_json_holds_every_finding(findings: list[Finding]) -> None:
    rows = json.loads(render(findings, "json"))
    assert [row["level"] for row in rows] == ["error"] + ["warning"] * 5
    assert rows[2] == {
        "level": "warning",
        "code": "wrong-side",
        "path": "sea.yaml",
        "line": 9,
        "column": 10,
        "message": "this prompt is closer",
    }


def test_sarif_keeps_to_its_schema_and_explains_every_code(findings: list[Finding]) -> None:
    document = json.loads(render(findings, "sarif"))
    jsonschema.validate(document, SARIF)
    (run,) = document["runs"]
    told = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert told == {"policy-problem", *CODES}
    assert {result["ruleId"] for result in run["results"]} <= told
    assert run["results"][2]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "sea.yaml"},
        "region": {"startLine": 9, "startColumn": 10},
    }


def test_an_error_without_a_place_is_a_finding_all_the_same() -> None:
    (finding,) = from_error(PolicyError("nothing would be checked"))
    said = "::error file=.,title=policy-problem::nothing would be checked"
    assert render([finding], "github") == said
