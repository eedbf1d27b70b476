"""What labels add to zero-shot rules: `python -m tests.bench.learning [DATA]`.

For each category of OpenAI's moderation set: average precision and calibration error on posts that
were held out, with the prompts alone, with Platt's logistic, and with a learned direction, each
from as many labels as the column says. Means of random splits; the set has too few posts for more
than 500 labels beside those held out. A dot: too few of a kind, as `policy calibrate` says.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import average_precision_score

from moderator.app import build_workbench
from moderator.authoring import fit
from moderator.authoring.calibrate import prompts_direction
from moderator.authoring.workbench import Workbench
from moderator.encoders.base import Calibration, Matrix, Vector
from moderator.evaluation.figures import calibration_error
from moderator.evaluation.rows import Example, read_examples
from moderator.evaluation.suites import load_suite
from moderator.policy.load import load_policies
from moderator.settings import bundled, load_settings

LABELS = (50, 200, 500)
SPLITS = 20
HELD_OUT = 0.3
SUITE = "openai_moderation"


class Task(NamedTuple):
    """One category: the reading of each labelled post that its rule minds most."""

    vectors: Matrix  # (posts, dimensions)
    truth: NDArray[np.int8]  # (posts,)
    direction: Vector
    calibration: Calibration


def main() -> None:
    """Print the table."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("../shared/data/eval")
    table = Table(title=f"{SUITE}: AP held out (ECE)", box=None, padding=(0, 2))
    for column in ("category", "true", "zero-shot", "calibrated, 200"):
        table.add_column(column, justify="right")
    for count in LABELS:
        table.add_column(f"learned, {count}", justify="right")
    means: list[list[float]] = []
    for name, task in tasks(data):
        rows = list(split_figures(task))
        figures = np.ma.masked_invalid(rows).mean(axis=0).filled(np.nan)  # (ways, 2)
        means.append([ap for ap, _ in figures])
        cells = ["·" if np.isnan(ap) else f"{ap:.3f} ({ece:.3f})" for ap, ece in figures]
        table.add_row(name, str(int(task.truth.sum())), *cells)
    mean = ["·" if np.isnan(value) else f"{value:.3f}" for value in np.mean(means, axis=0)]
    table.add_row("mean", "", *mean, style="bold")
    Console(width=140).print(table)


def tasks(data: Path) -> Iterator[tuple[str, Task]]:
    """The categories, embedded once."""
    suite = load_suite(SUITE)
    examples = read_examples(suite, data)
    bench = build_workbench(load_settings({"decoder_processes": 0}))
    policies = load_policies([bundled("policies") / "benchmarks/public-sets.yaml"])
    readings = bench.embed_all([each.post for each in examples], lambda _: None).readings["text"]
    for name, task in suite.tasks.items():
        direction = prompts_direction(policies.rule(task.rule), "text", bench)
        known = [place for place, each in enumerate(examples) if name in each.truth]
        vectors = np.stack(
            [_decisive(readings.vectors[readings.rows(place)], direction) for place in known]
        )
        yield name, Task(vectors, _truth(examples, known, name), direction, _background(bench))


def split_figures(task: Task) -> Iterator[list[tuple[float, float]]]:
    """For each split, AP and ECE of every way, in the order of the table."""
    random = np.random.default_rng(0)
    for _ in range(SPLITS):
        order = random.permutation(len(task.truth))
        held, rest = np.split(order, [int(HELD_OUT * len(order))])
        if not task.truth[held].any():
            continue
        zero = task.calibration
        z = fit.standardised(task.vectors, task.direction, zero)
        found = [_figures(task, held, zero.slope * z[held] + zero.intercept)]
        some = rest[:200]
        if task.truth[some].any():
            slope, intercept = fit.platt(z[some], task.truth[some])
            found.append(_figures(task, held, slope * z[held] + intercept))
        else:
            found.append((np.nan, np.nan))
        found += [_learned(task, held, rest[:count]) for count in LABELS]
        yield found


def _learned(task: Task, held: NDArray[np.intp], labelled: NDArray[np.intp]) -> tuple[float, float]:
    truth = task.truth[labelled]
    if min(truth.sum(), (1 - truth).sum()) < fit.FOLDS:  # as `policy calibrate` refuses
        return np.nan, np.nan
    learned = fit.fit_learned(task.vectors[labelled], truth, task.direction, task.calibration)
    z = fit.standardised(task.vectors[held], learned.direction, task.calibration)
    return _figures(task, held, learned.line(z))


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


def _background(bench: Workbench) -> Calibration:
    return bench.channels["text"].calibration["text"]


if __name__ == "__main__":
    main()
