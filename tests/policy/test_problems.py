"""How a problem looks to the one who reads it."""

from pathlib import Path

import pytest

from moderator.policy import problems
from moderator.policy.problems import (
    EXCERPT_CHARACTERS,
    LISTED_WORDS,
    MOST_COMPARED,
    PRINTED_PROBLEMS,
    Known,
    Place,
    Problem,
    Source,
    failure,
    show,
    unknown,
)

PATH = Path("a.yaml")


def marked(line: str, place: Place) -> str:
    """What the carets of an excerpt stand under."""
    shown, carets = Source(PATH, [line]).problem("wrong", place).excerpt.splitlines()
    return shown[carets.index("^") : len(carets)]


def test_a_problem_of_a_whole_file_has_no_place_and_no_excerpt() -> None:
    assert str(Source(PATH).problem("there is no such file")) == "a.yaml: there is no such file"


def test_a_long_line_is_cut_around_the_problem() -> None:
    line = "x" * 500 + " wrong " + "y" * 500
    assert marked(line, Place(1, 502, 5)) == "wrong"
    excerpt = Source(PATH, [line]).problem("wrong", Place(1, 502, 5)).excerpt
    assert len(excerpt.splitlines()[0]) == len("    1 | ") + EXCERPT_CHARACTERS


def test_of_a_long_line_only_what_is_shown_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    cleaned = problems._printable

    def counted(text: str) -> str:
        looked_at.append(len(text))
        return cleaned(text)

    monkeypatch.setattr(problems, "_printable", counted)
    Source(PATH, ["x" * 100_000]).problem("wrong", Place(1, 50_000))
    assert looked_at == [EXCERPT_CHARACTERS]


def test_a_mark_longer_than_the_line_ends_with_it() -> None:
    assert marked("a: x", Place(1, 4, 80)) == "x"


def test_carets_stand_right_under_letters_of_two_columns() -> None:
    carets = Source(PATH, ["標題: x"]).problem("wrong", Place(1, 5)).excerpt.splitlines()[1]
    assert carets == " " * (8 + 6) + "^"


def test_characters_that_steer_a_terminal_are_not_printed() -> None:
    assert "\x1b" not in str(Source(PATH, ["\x1b[2J"]).problem("wrong", Place(1, 1)))
    assert show("\x1b[2J") == "' [2J'"


def test_a_problem_is_told_once_and_in_the_order_of_lines() -> None:
    first, second = Problem(PATH, 2, 1, "x"), Problem(PATH, 9, 1, "y")
    assert failure([second, first, second]).problems == (first, second)


def test_problems_without_end_are_counted() -> None:
    error = failure(Problem(PATH, line, 1, "x") for line in range(1, PRINTED_PROBLEMS + 51))
    assert str(error).endswith("a.yaml:200:1: x\n... and 50 more problems")
    assert len(error.problems) == PRINTED_PROBLEMS + 50


def test_values_are_spelt_as_in_the_file_and_long_ones_cut() -> None:
    values: tuple[object, ...] = (None, True, 1.5, "a", [], {})
    assert [show(value) for value in values] == [
        "nothing",
        "true",
        "1.5",
        "'a'",
        "a list",
        "a mapping",
    ]
    assert len(show("x" * 1000)) == 62


def test_a_word_is_compared_without_regard_to_case() -> None:
    assert unknown("mode", "OFF", ("enforce", "off")) == "unknown mode `OFF`, did you mean `off`?"


def test_of_many_known_words_the_first_are_listed_and_the_others_counted() -> None:
    known = Known("rule", (f"name-{n}" for n in range(LISTED_WORDS + 1_500)))
    said = known.unknown("zzz")
    assert said.startswith("unknown rule `zzz`; known here: name-0, name-1, ")
    assert said.endswith(f"name-{LISTED_WORDS - 1} and 1,500 more")


def test_after_so_many_comparisons_nothing_is_suggested() -> None:
    names = [f"name-{n}" for n in range(MOST_COMPARED // 4)]
    known = Known("rule", names)
    said = [known.unknown(f"nama-{n}") for n in range(10)]
    assert ["did you mean" in each for each in said] == [True] * 4 + [False] * 6
    assert all(each.startswith("unknown rule `nama-") for each in said)
