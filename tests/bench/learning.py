"""What labels add to zero-shot rules: `python -m tests.bench.learning [DATA]`.

Two tables. The first: average precision and calibration error on posts that were held out, with
Platt's logistic and with a learned direction, each from as many labels as the column says. The
second, for the categories of OpenAI's moderation set: what is caught at the line that 5 % of its
harmless posts cross, and which share of texts that only sound harmful crosses the same line, those
of XSTest and of HateCheck; a logistic changes no order, so it has no column there.

Means of random splits. A way has those with labels enough for it, which are few for what is rare:
so every cell says what the prompts alone get on its own splits, and how many there are. A dot:
none, as the set has not so many posts, or too few of a kind, where `policy calibrate` refuses. Of
each set no more than 1,500 posts are taken.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import average_precision_score

from moderator.app import build_workbench
from moderator.authoring import fit
from moderator.authoring.fitted import FEWEST
from moderator.authoring.workbench import Workbench
from moderator.authoring.zero_shot import prompts_direction
from moderator.encoders.base import Calibration, Matrix, Vector
from moderator.evaluation.rows import Example, read_examples
from moderator.evaluation.suites import load_suite
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from moderator.posts import Post
from moderator.scoring.reliability import calibration_error
from moderator.scoring.score import Readings
from moderator.settings import bundled, load_settings

LABELS = (50, 200, 800)
CALIBRATED = 200
SPLITS = 10
HELD_OUT = 0.3
CATEGORIES = "openai_moderation"
SUITES = (CATEGORIES, "scam_posts", "sms_smishing", "hatecheck")
HARMLESS = {"XSTest, safe": "xstest", "HateCheck, not hateful": "hatecheck"}
LINE = 0.05  # of harmless posts that cross it
MOST_POSTS = 1500


class Task(NamedTuple):
    """One category: the reading of each labelled post that its rule minds most."""

    vectors: Matrix  # (posts, dimensions)
    truth: NDArray[np.int8]  # (posts,)
    direction: Vector
    calibration: Calibration


def main() -> None:
    """Print the tables."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("../shared/data/eval")
    embedded = Embedded(data)
    found = [(suite, *each) for suite in SUITES for each in embedded.tasks(suite)]
    say_precision(found)
    say_false_alarms([each[1:] for each in found if each[0] == CATEGORIES], embedded)


def say_precision(found: Sequence[tuple[str, str, Task]]) -> None:
    """The first table."""
    ways = ["zero-shot", f"calibrated, {CALIBRATED}", *(f"learned, {count}" for count in LABELS)]
    table = _table(
        "held out: zero-shot → with labels, both on the same splits (how many)",
        *("set", "category", "posts", "true", "", *ways),
    )
    for suite, name, task in found:
        counts = str(len(task.truth)), str(int(task.truth.sum()))
        lines = _lines(list(split_figures(task)), ("AP", "ECE"), ".3f")
        for head, line in zip(((suite, name, *counts), ("",) * 4), lines, strict=True):
            table.add_row(*head, *line)
    Console(width=190).print(table)


def say_false_alarms(found: Sequence[tuple[str, Task]], embedded: "Embedded") -> None:
    """The second table."""
    harmless = {name: embedded.harmless(suite) for name, suite in HARMLESS.items()}
    ways = ["zero-shot", *(f"learned, {count}" for count in LABELS)]
    table = _table(
        f"at the line that {LINE:.0%} of harmless posts of {CATEGORIES} cross: caught of it, held "
        f"out; false alarms in {', '.join(harmless)}; zero-shot → with labels, on the same splits",
        *("category", "", *ways),
    )
    for name, task in found:
        aside = [
            np.stack([_decisive(part, task.direction) for part in readings])
            for readings in harmless.values()
        ]
        lines = _lines(list(split_alarms(task, aside)), ("caught", *harmless), ".1%")
        for number, line in enumerate(lines):
            table.add_row("" if number else name, *line)
    Console(width=190).print(table)


def _lines(
    splits: Sequence[Sequence[Sequence[float]]], names: Sequence[str], form: str
) -> Iterator[list[str]]:
    """For each figure its name, its mean zero-shot, and each way beside zero-shot.

    `splits` are (splits, ways, figures), the first way zero-shot, NaN where a way has too few
    labels. The means of a way and of zero-shot beside it are of the splits that the way has.
    """
    figures = np.array(splits, np.float64)
    for number, name in enumerate(names):
        zero, *ways = figures[:, :, number].T  # (ways, splits)
        yield [name, format(zero.mean(), form), *(_pair(zero, way, form) for way in ways)]


def _pair(zero: NDArray[np.float64], way: NDArray[np.float64], form: str) -> str:
    there = ~np.isnan(way)
    if not there.any():
        return "·"
    before, after = zero[there].mean(), way[there].mean()
    return f"{before:{form}} → {after:{form}} ({int(there.sum())})"


class Embedded:
    """The sets, embedded once."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._bench: Workbench = build_workbench(load_settings({"decoder_processes": 0}))
        self._policies: PolicySet = load_policies(
            [bundled("policies") / "benchmarks/public-sets.yaml"]
        )
        self._found: dict[str, tuple[list[Example], Readings]] = {}

    def tasks(self, suite: str) -> Iterator[tuple[str, Task]]:
        """The categories of a set."""
        examples, readings = self._suite(suite)
        for name, task in load_suite(suite).tasks.items():
            direction = prompts_direction(self._policies.rule(task.rule), "text", self._bench)
            known = [place for place, each in enumerate(examples) if name in each.truth]
            vectors = np.stack(
                [_decisive(readings.vectors[readings.rows(place)], direction) for place in known]
            )
            background = self._bench.channels["text"].calibration["text"]
            yield name, Task(vectors, _truth(examples, known, name), direction, background)

    def harmless(self, suite: str) -> list[Matrix]:
        """The readings of each post that nobody minds."""
        examples, readings = self._suite(suite)
        fine = [place for place, each in enumerate(examples) if not any(each.truth.values())]
        return [readings.vectors[readings.rows(place)] for place in fine]

    def _suite(self, name: str) -> tuple[list[Example], Readings]:
        if name not in self._found:
            examples = read_examples(load_suite(name), self._data)
            chosen = np.random.default_rng(0).permutation(len(examples))[:MOST_POSTS]
            some = [examples[place] for place in sorted(chosen.tolist())]
            posts: list[Post] = [each.post for each in some]
            self._found[name] = some, self._bench.embed_all(posts, lambda _: None).readings["text"]
        return self._found[name]


def split_figures(task: Task) -> Iterator[list[tuple[float, float]]]:
    """For each split, AP and ECE of every way, in the order of the table."""
    for held, rest in _splits(task):
        zero = task.calibration
        z = fit.standardised(task.vectors[held], task.direction, zero)
        found = [_figures(task, held, zero.slope * z + zero.intercept)]
        calibrated = _fit(fit.fit_prompts, task, rest[:CALIBRATED])
        for way in (calibrated, *(_learned(task, rest, count) for count in LABELS)):
            if way is None:
                found.append((np.nan, np.nan))
                continue
            z = fit.standardised(task.vectors[held], way.direction, zero)
            found.append(_figures(task, held, way.line(z)))
        yield found


def split_alarms(task: Task, aside: Sequence[Matrix]) -> Iterator[list[list[float]]]:
    """For each split and way, what is caught and what of the sets aside crosses the same line."""
    for held, rest in _splits(task):
        ways = [_learned(task, rest, count) for count in LABELS]
        directions = [task.direction, *(way.direction if way else None for way in ways)]
        yield [_alarms(task, held, direction, aside) for direction in directions]


def _splits(task: Task) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Places held out, and the rest; none where nothing held out is harmful."""
    random = np.random.default_rng(0)
    for _ in range(SPLITS):
        order = random.permutation(len(task.truth))
        held, rest = np.split(order, [int(HELD_OUT * len(order))])
        if task.truth[held].any():
            yield held, rest


def _alarms(
    task: Task, held: NDArray[np.intp], direction: Vector | None, aside: Sequence[Matrix]
) -> list[float]:
    if direction is None:
        return [np.nan] * (1 + len(aside))
    margins, truth = task.vectors[held] @ direction, task.truth[held].astype(bool)
    line = np.quantile(margins[~truth], 1 - LINE)
    others = [float((vectors @ direction >= line).mean()) for vectors in aside]
    return [float((margins[truth] >= line).mean()), *others]


def _learned(task: Task, rest: NDArray[np.intp], count: int) -> fit.Fit | None:
    """What `policy calibrate --learn` keeps; None where it refuses, or there are not so many."""
    return _fit(fit.fit_best, task, rest[:count]) if len(rest) >= count else None


def _fit(how: Callable[..., fit.Fit], task: Task, labelled: NDArray[np.intp]) -> fit.Fit | None:
    """None where `policy calibrate` refuses."""
    truth = task.truth[labelled]
    if not _enough(truth):
        return None
    found = how(task.vectors[labelled], truth, task.direction, task.calibration)
    return found if found.line.slope > 0 else None


def _enough(truth: NDArray[np.int8]) -> bool:
    return bool(min(truth.sum(), (1 - truth).sum()) >= FEWEST)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=None, padding=(0, 2))
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _figures(
    task: Task, held: NDArray[np.intp], log_odds: NDArray[np.float64]
) -> tuple[float, float]:
    truth = task.truth[held].astype(bool)
    ap = float(average_precision_score(truth, log_odds))
    return ap, calibration_error(truth, 1 / (1 + np.exp(-log_odds)))


def _decisive(vectors: Matrix, direction: Vector) -> Vector:
    return np.asarray(vectors[int((vectors @ direction).argmax())], np.float32)


def _truth(examples: list[Example], known: list[int], name: str) -> NDArray[np.int8]:
    return np.array([examples[place].truth[name] for place in known], np.int8)


if __name__ == "__main__":
    main()
