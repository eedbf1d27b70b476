import json
from pathlib import Path

import numpy as np
import pytest

from moderator.evaluation.answers import FUSED, Answers, Judged
from moderator.evaluation.report import Report, make_report
from moderator.evaluation.rows import Example
from moderator.evaluation.suites import Suite
from moderator.posts import Post

POSTS = 200


def an_answer(task: str, seed: int, places: np.ndarray | None = None) -> Answers:
    places = np.arange(POSTS) if places is None else places
    random = np.random.default_rng(seed)
    truth = random.random(len(places)) < 0.4
    scores = np.clip(random.normal(np.where(truth, 0.6, 0.4), 0.2), 0, 1)
    return Answers(
        task=task,
        rules=(f"p/{task}",),
        truth=truth,
        scores={FUSED: scores},
        fired=scores >= 0.8,
        reviewed=scores >= 0.5,
        groups=tuple(f"group {place % 2}" for place in places),
        places=places,
    )


def a_report(*found: Answers, together: str | None = None, unread: int = 0) -> Report:
    suite = Suite(suite="s", title="S", source="", file="x.jsonl", together=together)
    examples = [Example(Post(id=str(place)), {}) for place in range(POSTS)]
    return make_report(suite, "p 1", {}, Judged(examples, found, unread), resamples=100)


def test_the_mean_precision_of_tasks_has_an_interval_and_leaves_out_the_task_of_all() -> None:
    found = [an_answer("a", 1), an_answer("b", 2, np.arange(0, POSTS, 2)), an_answer("all", 3)]
    report = a_report(*found, together="all")
    first, second, _ = (each.merit.ap for each in report.merits)
    assert report.mean_ap is not None
    assert report.mean_ap.value == pytest.approx((first.value + second.value) / 2)
    assert report.mean_ap.low < report.mean_ap.value < report.mean_ap.high
    wider = max(first.high - first.low, second.high - second.low)
    assert report.mean_ap.high - report.mean_ap.low < wider


def test_one_task_has_no_mean() -> None:
    assert a_report(an_answer("a", 1), an_answer("all", 2), together="all").mean_ap is None


def test_shares_at_the_lines_have_intervals_that_hold_for_few_and_for_none() -> None:
    (decisions,) = a_report(an_answer("a", 1)).decisions
    assert decisions.positives + decisions.negatives == POSTS
    for share in (decisions.fired, decisions.reviewed, decisions.accuracy):
        assert share is not None
        assert share.low < share.value < share.high
    assert decisions.falsely_fired is not None
    few = an_answer("a", 1, np.arange(10))
    nothing = Answers(**{**vars(few), "fired": np.zeros(10, bool)})
    (decisions,) = a_report(nothing).decisions
    assert decisions.fired is not None
    assert decisions.fired.low == pytest.approx(decisions.fired.value) == 0
    assert decisions.fired.high > 0.3


def test_accuracy_is_of_the_posts_on_the_right_side_of_the_threshold() -> None:
    answers = an_answer("a", 1)
    report = a_report(answers)
    (decisions,) = report.decisions
    assert decisions.accuracy is not None
    assert decisions.accuracy.value == pytest.approx((answers.fired == answers.truth).mean())
    assert [each.group for each in report.groups] == ["group 0", "group 1"]


def test_a_task_without_posts_is_reported_as_undefined(tmp_path: Path) -> None:
    tree = a_report(an_answer("a", 1, np.arange(0)), unread=7).to_tree()
    path = tmp_path / "report.json"
    path.write_text(json.dumps(tree, allow_nan=False))
    read = json.loads(path.read_text())
    (merit,) = read["merits"]
    assert (read["unread"], merit["posts"]) == (7, 0)
    assert merit["precision_at"]["0.5"] == {"value": None, "low": None, "high": None}
    (decisions,) = read["decisions"]
    assert decisions["fired"] is decisions["accuracy"] is None
