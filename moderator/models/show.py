"""What there is to know about a folder of models, gathered for people."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from moderator.encoders.base import Space
from moderator.encoders.load import load_space
from moderator.encoders.onnx import Provider, Session
from moderator.errors import ModelError
from moderator.models.catalogue import Entry
from moderator.models.folder import read_lock
from moderator.models.graph import GraphInfo, Port, read_graph

import onnxruntime as ort  # isort: skip - after encoders.onnx, which sets a variable for it

Row = tuple[str, str]


class Shown(NamedTuple):
    """Facts by heading, in the order to show them."""

    model: list[Row]
    graphs: list[tuple[str, list[Row]]]
    space: list[Row]
    providers: list[str]  # that this onnxruntime was built with
    problem: str | None  # why it does not load, if it does not


def show(folder: Path, entry: Entry | None, provider: Provider) -> Shown:
    """Look at every graph, and load the space. Raises ModelError for a folder without graphs."""
    paths = sorted(folder.rglob("*.onnx"))
    if not paths:
        raise ModelError(f"{folder}: no graphs (*.onnx) in it")
    graphs = [(p.relative_to(folder).as_posix(), list(_graph(p, provider))) for p in paths]
    try:
        space = list(_space(load_space(folder, provider)))
        problem = None
    except ModelError as error:
        space, problem = [], str(error)
    providers = ort.get_available_providers()
    return Shown(list(_model(folder, entry)), graphs, space, providers, problem)


def _model(folder: Path, entry: Entry | None) -> Iterator[Row]:
    yield "folder", str(folder)
    lock = read_lock(folder)
    if lock is not None:
        yield "from", f"{lock.repository} at {lock.revision}, pinned by {lock.pinned_by}"
    if entry is not None:
        yield "model", entry.title
        yield "licence", f"{entry.licence.name}, {entry.licence.link}"
        yield "languages", ", ".join(entry.languages)
        yield "good for", entry.good_for
        yield from (("note", caveat) for caveat in entry.caveats)
    elif lock is not None and lock.licence:
        yield "licence", lock.licence


def _graph(path: Path, provider: Provider) -> Iterator[Row]:
    info = read_graph(path)
    yield "inputs", ", ".join(map(_port, info.inputs))
    yield "outputs", ", ".join(map(_port, info.outputs))
    yield "parameters", f"{sum(info.parameters.values()) / 1e6:,.1f} million, {_types(info)}"
    yield "precision", info.precision + _advice(info)
    yield "size", f"{path.stat().st_size / 1e6:,.1f} MB"
    yield "made by", f"{info.producer or 'nobody who says so'}, opset {info.opset}"
    try:
        yield "runs on", Session(path, provider).provider
    except ModelError as error:
        yield "runs on", f"nothing here: {error}"


def _port(port: Port) -> str:
    return f"{port.name} {port.type} ({', '.join(map(str, port.axes))})"


def _types(info: GraphInfo) -> str:
    whole = sum(info.parameters.values()) or 1
    shares = [(kind, count / whole) for kind, count in info.parameters.most_common()]
    return ", ".join(f"{share:.0%} {kind}" for kind, share in shares if share >= 0.01)  # noqa: PLR2004


def _advice(info: GraphInfo) -> str:
    if info.precision != "uint8":
        return ""
    return "; unsigned weights are slow on CPUs: `moderator models optimize` signs them"


def _space(space: Space) -> Iterator[Row]:
    yield "digest", space.digest
    yield "channels", ", ".join(space.channels)
    yield "dimensions", str(space.dimensions)
    if space.image is not None:
        yield "image side", f"{space.image.side} pixels"
    for channel, calibration in space.calibration.items():
        sample = f"{len(calibration.background):,} background embeddings"
        logistic = f"slope {calibration.slope}, intercept {calibration.intercept}"
        yield f"calibration of {channel}", f"{sample}, {logistic}"
    yield from (("neutral prompt", prompt) for prompt in space.neutral)
