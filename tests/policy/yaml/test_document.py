"""YAML by people we do not know: what it means, where it stands, and what is refused."""

from contextlib import suppress
from time import perf_counter
from typing import Any

import pytest

from moderator.policy.problems import Place
from moderator.policy.yaml.document import MAX_DEPTH, MAX_NODES, parse
from moderator.policy.yaml.nodes import DocumentError, Node


def root(text: str) -> Node:
    node, findings = parse(text)
    assert node is not None
    assert findings == []
    return node


def refusal(text: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("2026-01-31", "2026-01-31"),
        ("1_000", "1_000"),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-3", -3),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("-.inf", float("-inf")),
        ("true", True),
        ("~", None),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("9" * 5_000, "9" * 5_000),
    ],
)
def test_bare_words_mean_what_yaml_1_2_says(written: str, value: Any) -> None:
    assert root(f"a: {written}").value == {"a": value}


def test_keys_are_what_is_written_whatever_it_looks_like() -> None:
    assert root("true: 1\n2: 2\nnull: 3\n1.0: 4").value == {"true": 1, "2": 2, "null": 3, "1.0": 4}


def test_every_key_and_value_knows_its_place() -> None:
    node = root("a: 1\nb:\n  - x\n  - c: hello\n")
    assert node.place_of(("a",)) == Place(1, 4, 1)
    assert node.place_of(("a",), key=True) == Place(1, 1, 1)
    assert node.place_of(("b",)) == Place(2, 1, 1)
    assert node.place_of(("b", 1, "c")) == Place(4, 8, 5)
    assert node.place_of(("b", 1, "gone")) == Place(4, 5, 1)
    assert node.place_of(("b", 0, "gone")) == Place(3, 5, 1)


def test_merge_keys_fill_in_and_what_is_written_wins() -> None:
    text = "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nall:\n  <<: [*one, *two]\n  a: 3\n"
    node = root(text)
    assert node.value["all"] == {"a": 3, "b": 1, "c": 2}
    assert node.place_of(("all", "c")).line == 2


def test_an_alias_stands_where_its_anchor_does() -> None:
    node = root("a: &x [1, 2]\nb: *x\n")
    assert node.value["b"] == [1, 2]
    assert node.place_of(("b", 1)) == Place(1, 11, 1)


def test_what_does_not_stop_the_reading_is_found_all_at_once() -> None:
    _, findings = parse("a: !!float 1\na: 2\n? [x]\n: 3\n<<: 4\n")
    assert [(place.line, message) for place, message in findings] == [
        (1, "the tag `!!float` means nothing here; remove it"),
        (2, "key `a` stands here twice, first in line 1"),
        (3, "a key must be one plain word"),
        (5, "`<<` takes a mapping to copy from, such as `*common`"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("a:\n\tb: 1\n", 2, 1, "this line is indented with a tab; YAML takes spaces only"),
        ("a: b: c\n", 1, 5, "a `:` does not fit here; check the indentation, and put text"),
        ("a: 1\nfoo\nb: 2\n", 2, 1, "this line has no `:` after its key"),
        ("a: 'x\nb: 1\n", 1, 4, "this quote is never closed"),
        ("a: [1, 2\nb: 3\n", 1, 4, "a list in `[ ]` needs a comma between its items"),
        ("a:\n  - x\n - y\n", 3, 2, "this does not line up with, or does not belong after"),
        ("a: @x\n", 1, 4, "text cannot begin with this character; put it in quotes"),
        ('a: "\\d"\n', 1, 6, "a backslash in double quotes is special; use single quotes"),
        ("a: x\x07y\n", 1, 5, "the character U+0007 cannot stand in a policy; remove it"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second document starts here; a file holds one policy"),
        ("a: *b\n", 1, 4, "`*b` repeats nothing: no `&b` stands above"),
        ("a: &a [*a]\n", 1, 8, "`*a` stands inside `&a` itself"),
    ],
)
def test_broken_yaml_is_explained_at_its_place(
    text: str, line: int, column: int, said: str
) -> None:
    error = refusal(text)
    assert said in error.message
    assert error.place is not None
    assert (error.place.line, error.place.column) == (line, column)


@pytest.mark.parametrize(
    "bomb",
    [
        "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}]\n" for i in range(1, 30)),
        "a0: &a0 {k0: 1}\n"
        + "".join(
            f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}], k{i}: *a{i - 1}}}\n" for i in range(1, 30)
        ),
        "a: &a [" + "x, " * 1_000 + "]\nb: [" + "*a, " * 1_000 + "]\n",
    ],
    ids=["lists", "merges", "quadratic"],
)
def test_aliases_that_grow_without_measure_are_refused_fast(bomb: str) -> None:
    start = perf_counter()
    assert f"more than {MAX_NODES:,} values" in refusal(bomb).message
    assert perf_counter() - start < 5


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 100_000,
        "a0: &a0 []\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2_000)),
    ],
    ids=["flow", "block", "aliases"],
)
def test_nesting_without_measure_is_refused(text: str) -> None:
    assert refusal(text).message == f"nested deeper than {MAX_DEPTH} levels"


@pytest.mark.parametrize(
    "text",
    ["%YAML 9", "%TAG ! x", '"\\U00110000"', "!<", "! !", "&", "*", "? ? ?", ":\n:\n", "|9\n"],
)
def test_oddities_of_the_parser_never_escape(text: str) -> None:
    with suppress(DocumentError):
        parse(text)
