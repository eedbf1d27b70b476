import json
from pathlib import Path

import pytest

from tests.bench.report import Row, write
from tests.bench.timing import interleaved, ratio


def test_a_bar_is_met_or_not() -> None:
    assert [Row("x", value, bar=1.0).met for value in (0.9, 1.0, 1.1)] == [False, True, True]
    assert Row("x", 1.1, bar=1.0, at_most=True).met is False
    assert Row("x", 1.1).met is None


def test_parts_run_apart_make_one_table(tmp_path: Path) -> None:
    write(tmp_path, "one", [Row("slow", 1.0, "posts/s")])
    write(tmp_path, "two", [Row("share", 0.5, bar=0.95)])
    table = write(tmp_path, "one", [Row("fast", 2000.0, "posts/s")])
    assert "| one | fast | 2,000 posts/s |  |  |" in table
    assert "| two | share | 0.50 times | ≥ 0.95 | **no** |" in table
    assert "slow" not in table
    assert (tmp_path / "bench.md").read_text() == table
    assert json.loads((tmp_path / "bench.json").read_text())["two"]["rows"][0]["met"] is False


@pytest.mark.parametrize(
    "older",
    [
        "no JSON",
        "[]",
        '{"images": 3}',
        '{"images": {"onnx": [0.9, 1.1]}}',
        '{"images": {"on": {}, "at": "today", "rows": [{"what": "share", "ratio": 1}]}}',
        '{"images": {"on": {}, "at": "today", "rows": [{"what": "share", "value": "fast"}]}}',
        '{"images": {"at": "today", "rows": []}}',
    ],
)
def test_results_of_an_older_format_are_left_out(tmp_path: Path, older: str) -> None:
    (tmp_path / "bench.json").write_text(older)
    table = write(tmp_path, "share", [Row("fast", 2.0)])
    assert "| share | fast | 2.00 times |  |  |" in table
    assert "images" not in table
    assert list(json.loads((tmp_path / "bench.json").read_text())) == ["share"]


def test_of_results_of_two_formats_those_of_this_one_are_kept(tmp_path: Path) -> None:
    write(tmp_path, "share", [Row("fast", 2.0)])
    path = tmp_path / "bench.json"
    path.write_text(json.dumps({"images": {}, **json.loads(path.read_text())}))
    table = write(tmp_path, "texts", [Row("short", 3.0)])
    assert "| share | fast | 2.00 times |  |  |" in table
    assert "images" not in table


def test_measures_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []
    numbers = iter([99.0, 99.0, 1.0, 2.0, 10.0, 40.0, 3.0, 3.0])

    def measure(name: str) -> float:
        order.append(name)
        return next(numbers)

    runs = interleaved({"a": lambda: measure("a"), "b": lambda: measure("b")}, rounds=3)
    assert order == ["a", "b"] * 4
    assert runs == {"a": [1.0, 10.0, 3.0], "b": [2.0, 40.0, 3.0]}
    assert ratio(runs, "a", "b") == 0.5
