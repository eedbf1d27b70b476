"""Outcomes of examples as a JUnit file, which every continuous integration shows."""

from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as ET

from moderator.authoring.examples import Outcome, TestReport
from moderator.authoring.said import failure_lines
from moderator.errors import StartupError
from moderator.policy.policyset import qualified_id


def write_junit(report: TestReport, path: Path) -> None:
    """Write a suite for each policy, a case for each example. Raises StartupError."""
    suites = ET.Element("testsuites", name="moderator policy test")
    for name, group in groupby(report.outcomes, key=lambda outcome: outcome.case.policy.name):
        outcomes = list(group)
        suite = ET.SubElement(
            suites,
            "testsuite",
            name=name,
            tests=str(len(outcomes)),
            failures=str(sum(not outcome.passed for outcome in outcomes)),
            time=f"{sum(outcome.milliseconds for outcome in outcomes) / 1000:.3f}",
        )
        for outcome in outcomes:
            _add(suite, outcome)
    try:
        ET.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise StartupError(f"{path}: cannot be written: {error.strerror}") from error


def _add(suite: ET.Element, outcome: Outcome) -> None:
    case = outcome.case
    element = ET.SubElement(
        suite,
        "testcase",
        classname=qualified_id(case.policy, case.rule),
        name=f"{case.name.rpartition('/')[2]}: {_clean(case.shown)}",
        time=f"{outcome.milliseconds / 1000:.4f}",
    )
    if not outcome.passed:
        first, *rest = map(_clean, failure_lines(outcome))
        failure = ET.SubElement(element, "failure", message=first, type="example")
        failure.text = "\n".join(rest)


def _clean(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)
