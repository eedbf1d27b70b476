"""From a folder of fp32 graphs to a folder of smaller ones, or to none if they drift too far."""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, NamedTuple

from moderator.errors import ModelError, StartupError
from moderator.extras import how_to_install
from moderator.models.folder import CARD, LOCK, SUMS, sha256, write_sums
from moderator.models.graph import read_graph
from moderator.models.optimize.drift import Drift, drift

Precision = Literal["fp16", "int8"]

REPORT: Final = "optimized.json"
# Graphs by layout, without `.onnx`; of each the fp32 one is taken, or what else there is.
_GRAPHS: Final = (
    ("onnx/text_model", "onnx/vision_model"),
    ("textual/model", "visual/model"),
    ("onnx/model",),
    ("model",),
)


class Optimized(NamedTuple):
    """What became of one graph."""

    graph: str
    bytes_before: int
    bytes_after: int
    drift: Drift


class DriftError(ModelError):
    """The embeddings moved further than was allowed; nothing was written."""


def optimize(folder: Path, target: Path, precision: Precision, max_drift: float) -> list[Optimized]:
    """Write `target`: the graphs smaller, everything else as it is, sums and a report of the drift.

    Raises ModelError, DriftError if one sample's embedding moves by more than `max_drift`, and
    StartupError without the extra; nothing is left behind then.
    """
    _require_extra()
    graphs = list(_find(folder))
    with _staged(target) as staging:
        done = [_one(graph, folder, staging, precision) for graph in graphs]
        if far := [one for one in done if one.drift.worst > max_drift]:
            raise DriftError(
                "\n".join(
                    f"{folder / one.graph}: as {precision} an embedding moves by up to "
                    f"{one.drift.worst:.2g} (1 - cosine; {one.drift.mean:.2g} on average), more "
                    f"than {max_drift}; nothing was written"
                    for one in far
                )
            )
        _copy_rest(folder, staging)
        _adapt_card(staging, precision)
        _report(staging, folder, precision, done)
        names = [p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file()]
        write_sums(staging, {name: sha256(staging / name) for name in names})
    return done


def _require_extra() -> None:
    lacking = [name for name in ("onnx", "onnxruntime", "sympy") if find_spec(name) is None]
    if lacking:
        raise StartupError(
            f"`optimize` needs {', '.join(lacking)}: {how_to_install('optimize', 'cpu')}"
        )


def _find(folder: Path) -> Iterator[Path]:
    for stems in _GRAPHS:
        found = [next(iter(_variants(folder / stem)), None) for stem in stems]
        if any(found):
            yield from (graph for graph in found if graph is not None)
            return
    raise ModelError(
        f"{folder}: no graphs found, such as onnx/text_model.onnx or textual/model.onnx"
    )


def _variants(stem: Path) -> list[Path]:
    """The graphs of one encoder, fp32 first: its name is the shortest."""
    return sorted(stem.parent.glob(f"{stem.name}*.onnx"), key=lambda path: (len(path.name), path))


def _one(graph: Path, folder: Path, staging: Path, precision: Precision) -> Optimized:
    target = staging / graph.relative_to(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    present = read_graph(graph).precision
    if present == {"int8": "int8", "fp16": "float16"}[precision]:
        shutil.copy2(graph, target)
    elif precision == "fp16" and present != "float32":
        raise ModelError(f"{graph}: is {present} already; fp16 is made from a float32 graph")
    else:
        _convert(graph, target, folder, precision)
    return Optimized(
        graph.relative_to(folder).as_posix(),
        graph.stat().st_size,
        target.stat().st_size,
        drift(graph, target, folder),
    )


def _convert(graph: Path, target: Path, folder: Path, precision: Precision) -> None:
    from moderator.models.optimize.fp16 import attention_of, to_fp16
    from moderator.models.optimize.int8 import to_int8

    try:
        # The tools print what only their authors can use.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            if precision == "int8":
                to_int8(graph, target)
                return
            path = folder / "config.json"
            config = json.loads(path.read_bytes()) if path.exists() else {}
            image = {len(port.axes) for port in read_graph(graph).inputs} == {4}
            to_fp16(graph, target, attention_of(config, image=image))
    except Exception as error:  # onnx's and onnxruntime's own exceptions share no base class
        raise ModelError(f"{graph}: cannot be made {precision}: {error}") from error


def _copy_rest(folder: Path, staging: Path) -> None:
    """Everything but graphs, and what speaks of them."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden and not _is_of_graphs(name):
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, staging / name)


def _is_of_graphs(name: Path) -> bool:
    return ".onnx" in name.name or str(name) in {SUMS, LOCK, REPORT}


def _adapt_card(staging: Path, precision: Precision) -> None:
    """Say in our card, where there is one, that embeddings depend on the batch.

    Activations of dynamic int8 are scaled by the largest of the batch. Folders without a card need
    none: the loader sees it in the graph.
    """
    path = staging / CARD
    if precision == "int8" and path.exists():
        card = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(card | {"batch_invariant": False}, indent=2) + "\n", "utf-8")


def _report(staging: Path, folder: Path, precision: Precision, done: list[Optimized]) -> None:
    report = {
        "from": folder.resolve().name,
        "precision": precision,
        "measured_on": "cpu",
        "batch_invariant": precision != "int8",
        "graphs": {
            one.graph: {
                "bytes_before": one.bytes_before,
                "bytes_after": one.bytes_after,
                "drift_mean": one.drift.mean,
                "drift_worst": one.drift.worst,
                "samples": one.drift.samples,
            }
            for one in done
        },
    }
    (staging / REPORT).write_text(json.dumps(report, indent=2) + "\n", "utf-8")


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """A folder beside `target` that becomes it if all goes well, and is gone if not."""
    if target.exists():
        raise ModelError(f"{target}: exists; name a new folder with --to")
    staging = target.with_name(f".{target.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(parents=True)
        yield staging
        staging.rename(target)
    except OSError as error:
        raise ModelError(f"{error.filename or target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
