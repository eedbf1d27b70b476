"""Examples run like tests of code: what passes, what fails and what is said about it."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from moderator.authoring.examples import run_examples
from moderator.authoring.junit import write_junit
from moderator.authoring.said import failure_lines, summary_lines
from moderator.authoring.workbench import Workbench
from moderator.errors import StartupError
from tests.authoring.conftest import Load
from tests.builders import a_rule, picture

FIRE: dict[str, Any] = {"violates": ["red fire", "hot red flames"], "allows": ["blue sea"]}


def test_a_rule_that_does_what_its_examples_say_passes(load: Load, bench: Workbench) -> None:
    examples = {"violates": ["red fire"], "allows": ["blue sea", "a green meadow"]}
    report = run_examples(load(a_rule(**FIRE, examples=examples)), bench)
    assert (len(report.outcomes), report.failures) == (3, [])
    assert report.passed_percent == 100
    assert [outcome.case.name for outcome in report.outcomes] == [
        "test/fire must fire 1",
        "test/fire must pass 1",
        "test/fire must pass 2",
    ]


def test_a_failure_tells_score_by_modality_and_the_nearest_prompts_of_both_sides(
    load: Load, bench: Workbench
) -> None:
    examples = {"violates": ["blue sea today"], "allows": []}
    (failure,) = run_examples(load(a_rule(**FIRE, examples=examples)), bench).failures
    lines = list(failure_lines(failure))
    assert lines[0].startswith("test/fire must fire 1: score 0.")
    assert "below the review line 0.5 (threshold 0.8" in lines[0]
    assert lines[1].strip() == "blue sea today"
    assert lines[2].startswith("  text: margin -0.")
    assert lines[3].split()[0] == "violates"
    assert lines[4].split()[0] == "allows"
    assert lines[4].endswith("blue sea")


def test_an_image_is_read_from_beside_the_policy(
    load: Load, bench: Workbench, tmp_path: Path
) -> None:
    (tmp_path / "red.png").write_bytes(picture("red"))
    rule = a_rule(violates=["red"], examples={"violates": [{"image": "red.png"}]})
    report = run_examples(load(rule), bench)
    assert report.failures == []
    assert list(report.outcomes[0].score.channels) == ["image"]


def test_an_image_that_cannot_be_read_fails_whatever_side_it_is_on(
    load: Load, bench: Workbench
) -> None:
    rule = a_rule(examples={"violates": [], "allows": [{"image": "gone.png"}]})
    (failure,) = run_examples(load(rule), bench).failures
    assert "could not be read: image failed" in next(failure_lines(failure))


def test_an_exception_excuses_examples_as_it_excuses_posts(load: Load, bench: Workbench) -> None:
    examples = {"violates": ["red fire", "red fire drill"], "allows": ["drill of the red fire"]}
    rule = a_rule(**FIRE, examples=examples) | {"except": {"keywords": ["drill"]}}
    report = run_examples(load(rule), bench)
    assert [outcome.score.excused is not None for outcome in report.outcomes] == [False, True, True]
    (failure,) = report.failures
    assert failure.case.name == "test/fire must fire 2"
    (first, *_) = failure_lines(failure)
    assert "reaches the review line 0.5, but the exception keyword drill excuses it" in first


def test_a_rule_that_is_on_trial_excuses_no_example(load: Load, bench: Workbench) -> None:
    rule = a_rule(**FIRE, examples={"allows": ["red fire"]}) | {"except": {"rules": ["red"]}}
    for mode, failures in (("enforce", 0), ("shadow", 1)):
        excuse = a_rule("red", violates=["red fire"], action="allow", mode=mode)
        assert len(run_examples(load(rule, excuse), bench).failures) == failures


def test_rules_that_nothing_tests_are_named(load: Load, bench: Workbench) -> None:
    report = run_examples(
        load(
            a_rule("bare"),
            a_rule("half", examples={"violates": ["red fire"]}),
            a_rule("resting", mode="off", examples={"violates": ["x"], "allows": ["y"]}),
        ),
        bench,
    )
    assert (report.bare, report.half) == (("test/bare",), ("test/half",))
    assert report.skipped == ("test/resting",)
    assert "rules without examples: test/bare" in list(summary_lines(report))


def test_junit_holds_every_case_and_no_character_that_xml_cannot(
    load: Load, bench: Workbench, tmp_path: Path
) -> None:
    examples = {"violates": ["red fire", "blue \u0007 <sea> & sky"], "allows": ["green meadow"]}
    report = run_examples(load(a_rule(**FIRE, examples=examples)), bench)
    write_junit(report, tmp_path / "junit.xml")
    (suite,) = ET.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("test", "3", "1")
    (failed,) = [case for case in suite if case.find("failure") is not None]
    assert failed.get("name") == "fire must fire 2: blue � <sea> & sky"
    assert failed.get("classname") == "test/fire"


def test_a_junit_file_that_cannot_be_written_is_a_clear_error(
    load: Load, bench: Workbench, tmp_path: Path
) -> None:
    with pytest.raises(StartupError, match="cannot be written"):
        write_junit(run_examples(load(a_rule()), bench), tmp_path / "no" / "junit.xml")


def test_a_second_run_embeds_no_prompt_again(load: Load, bench: Workbench) -> None:
    policies = load(a_rule(**FIRE))
    run_examples(policies, bench)
    encoder = bench.channels["text"].text
    encoder.encoded.clear()  # type: ignore[attr-defined]
    run_examples(policies, bench)
    assert encoder.encoded == []  # type: ignore[attr-defined]
