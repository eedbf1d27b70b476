from pathlib import Path

import pytest

from moderator.errors import StartupError
from moderator.evaluation.suites import Task, load_suite, matches, shipped
from moderator.policy.load import load_policies
from moderator.policy.policyset import qualified_id

TASK = Task(rule="p/scam", label="labels", positive=("scam", "phishing"), negative=("clean",))


def test_every_suite_that_ships_is_good_and_asks_for_rules_that_ship() -> None:
    rules = {qualified_id(*each) for each in load_policies([Path("policies/benchmarks")])}
    for name in shipped():
        suite = load_suite(name)
        assert suite.suite == name
        assert {task.rule for task in suite.tasks.values()} <= rules


@pytest.mark.parametrize(
    ("labels", "truth"),
    [(["scam"], True), (["clean", "topic"], False), (["topic"], None), (["clean", "scam"], None)],
)
def test_a_row_answers_yes_no_or_nothing(labels: list[str], *, truth: bool | None) -> None:
    assert TASK.truth({"labels": labels}) is truth


def test_a_missing_label_is_unknown() -> None:
    task = Task(rule="p/hate", label="labels.H", positive=("1",), negative=("0",))
    assert task.truth({"labels": {"H": 1}}) is True
    assert task.truth({"labels": {}}) is None
    assert task.truth({"labels": {"H": None}}) is None


def test_values_may_be_patterns() -> None:
    assert matches({"image": "fire/1.webp"}, "image", ("fire/*",))
    assert not matches({"image": "smoke/1.webp"}, "image", ("fire/*",))


def test_an_unknown_suite_is_answered_with_the_nearest() -> None:
    with pytest.raises(StartupError, match="did you mean hatecheck"):
        load_suite("hatechek")


def test_a_file_that_is_no_suite_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("suite: mine\ntitel: x\n")
    with pytest.raises(StartupError, match=r"mine\.yaml: not a suite(.|\n)*titel"):
        load_suite(str(path))
    with pytest.raises(StartupError, match="No such file"):
        load_suite(str(tmp_path / "absent.yaml"))
