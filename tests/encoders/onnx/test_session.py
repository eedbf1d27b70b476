"""Sessions give the same embeddings in buckets, through bound buffers and in half precision."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from moderator.encoders.image import ImageLayout, OnnxImageEncoder
from moderator.encoders.onnx import Session
from moderator.encoders.onnx.binding import Bindings
from moderator.encoders.onnx.shapes import BUCKETS, Shapes
from moderator.encoders.text import OnnxTextEncoder, TextLayout
from moderator.encoders.tokens import Reading, WindowTokenizer
from moderator.errors import InferenceError

TEXTS = ["hello", "a much longer text about tomatoes and houses " * 5, "", "fire"]
WINDOW = 77


@pytest.fixture(scope="module")
def tiny(shared: Path) -> Path:
    """The tiny CLIP: fp32, so that a row does not depend on its neighbours."""
    return shared / "fixtures/tiny-clip"


class Recorded(Session):
    """Remembers the shapes its graph was run with."""

    def __init__(self, path: Path, shapes: Shapes | None = None) -> None:
        super().__init__(path, "cpu")
        self.shapes = shapes or self.shapes
        self.seen: list[tuple[int, ...]] = []

    def _run(self, output: str, feeds: dict[str, NDArray[np.generic]]) -> NDArray[np.generic]:  # type: ignore[override]
        rows = self.shapes.padded(len(next(iter(feeds.values()))))
        self.seen.append((rows, *next(iter(feeds.values())).shape[1:]))
        return super()._run(output, feeds)


def texts_of(session: Session, tiny: Path) -> OnnxTextEncoder:
    shape = session.run("text_embeds", {"input_ids": np.zeros((1, 5))}).shape
    layout = TextLayout(
        output="text_embeds",
        dimensions=shape[1],
        window_tokens=WINDOW,
        pad_id=0,
    )
    tokenizer = WindowTokenizer(tiny / "tokenizer.json", Reading(WINDOW, overlap_tokens=10))
    return OnnxTextEncoder(session, tokenizer, layout)


def images_of(session: Session) -> OnnxImageEncoder:
    shape = session.run("image_embeds", {"pixel_values": np.zeros((1, 3, 64, 64))}).shape
    half = (0.5, 0.5, 0.5)
    layout = ImageLayout("image_embeds", dimensions=shape[1], side=64, mean=half, std=half)
    return OnnxImageEncoder(session, layout)


def noise(rows: int) -> NDArray[np.float32]:
    return np.random.default_rng(rows).standard_normal((rows, 3, 64, 64)).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 3, 5, 9])
def test_buckets_do_not_change_an_embedding(tiny: Path, rows: int) -> None:
    path = tiny / "onnx/vision_model.onnx"
    exact, bucketed = Recorded(path), Recorded(path, Shapes(rows=(1, 2, 4)))
    feeds = {"pixel_values": noise(rows)}
    expected = exact.run("image_embeds", feeds)
    found = bucketed.run("image_embeds", feeds)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-5
    assert {shape[0] for shape in bucketed.seen} <= {1, 2, 4}


class Noted:
    """Stands before a session of onnxruntime and notes when it is run."""

    def __init__(self, session: Any, name: str, runs: list[str]) -> None:
        self._session, self._name, self._runs = session, name, runs

    def run(self, *arguments: Any) -> Any:
        self._runs.append(self._name)
        return self._session.run(*arguments)


def test_a_row_that_comes_alone_gets_all_cores_and_the_same_embedding(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderator.encoders.onnx.session.usable_cores", lambda: 2)
    session = Session(tiny / "onnx/vision_model.onnx", "cpu")
    runs: list[str] = []
    session._session = Noted(session._session, "one thread", runs)
    session._lone = Noted(session._lone, "all cores", runs)
    one, two = {"pixel_values": noise(1)}, {"pixel_values": noise(2)}
    alone = session.run("image_embeds", one)
    session.run("image_embeds", two)
    with session._counted():  # somebody else computes
        beside = session.run("image_embeds", one)
    session.run("image_embeds", one)
    assert runs == ["all cores", "one thread", "one thread", "all cores"]
    assert np.array_equal(alone, beside)


def test_on_one_core_a_graph_is_held_once(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderator.encoders.onnx.session.usable_cores", lambda: 1)
    assert Session(tiny / "onnx/vision_model.onnx", "cpu")._lone is None


def test_texts_padded_to_buckets_keep_their_embeddings(tiny: Path) -> None:
    path = tiny / "onnx/text_model.onnx"
    exact, bucketed = (texts_of(Recorded(path, shapes), tiny) for shapes in (None, BUCKETS))
    expected, found = exact.encode(TEXTS), bucketed.encode(TEXTS)
    assert found.owners.tolist() == expected.owners.tolist()
    assert np.abs(found.vectors - expected.vectors).max() < 1e-5


def test_a_warm_up_meets_every_shape_that_posts_will_meet(tiny: Path) -> None:
    session = Recorded(tiny / "onnx/text_model.onnx", Shapes(rows=(1, 2, 4), step_tokens=16))
    encoder = texts_of(session, tiny)
    session.seen.clear()
    encoder.warm_up()
    warm = set(session.seen)
    assert warm == {(rows, length) for rows in (1, 2, 4) for length in (16, 32, 48, 64, 77)}
    assert session.seen[0] == (4, 77)  # the largest first
    for count in range(1, 12):
        encoder.encode([("word " * count * 7).strip()] * count)
    assert set(session.seen) == warm


def test_a_warm_up_of_images_runs_every_bucket(tiny: Path) -> None:
    session = Recorded(tiny / "onnx/vision_model.onnx", Shapes(rows=(1, 2, 4)))
    encoder = images_of(session)
    session.seen.clear()
    encoder.warm_up()
    assert [shape[0] for shape in session.seen] == [4, 2, 1]


def test_a_warm_up_opens_what_a_row_alone_needs_and_loading_does_not(tiny: Path) -> None:
    for path, encoder_of in (("vision", images_of), ("text", partial(texts_of, tiny=tiny))):
        session = Recorded(tiny / f"onnx/{path}_model.onnx")
        assert "_lone" not in vars(session)
        encoder = encoder_of(session)
        vars(session).pop("_lone", None)
        session.seen.clear()
        encoder.warm_up()
        assert [shape[0] for shape in session.seen] == [1]
        assert "_lone" in vars(session)


@pytest.mark.parametrize("graphs", [False, True])
def test_bound_buffers_give_the_same_to_the_bit(tiny: Path, graphs: bool) -> None:  # noqa: FBT001
    session = Session(tiny / "onnx/vision_model.onnx", "cpu")
    bindings = Bindings(session._session, "cpu", graphs=graphs)
    batches = [{"pixel_values": noise(rows)} for rows in (1, 4, 1, 2, 4)]
    batches[2]["pixel_values"] += 1
    expected = [session.run("image_embeds", batch) for batch in batches]
    found = [bindings.run("image_embeds", batch) for batch in batches]
    assert all(map(np.array_equal, found, expected))
    assert len(bindings._made) == 3  # one for each shape, however many runs
    assert np.array_equal(batches[0]["pixel_values"], noise(1))  # the caller's own


def test_threads_may_share_bound_buffers(tiny: Path) -> None:
    session = Session(tiny / "onnx/vision_model.onnx", "cpu")
    bindings = Bindings(session._session, "cpu", graphs=False)
    batches = [{"pixel_values": noise(1) + number} for number in range(8)]
    expected = [session.run("image_embeds", batch) for batch in batches]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            found = threads.map(lambda batch: bindings.run("image_embeds", batch), batches)
            assert all(map(np.array_equal, found, expected))


def test_a_graph_exported_for_one_row_runs_them_one_by_one(shared: Path) -> None:
    session = Session(shared / "fixtures/tiny-clip-immich/visual/model.onnx", "cpu")
    (name,), (output,) = session.inputs, session.outputs
    rows = noise(3)
    together = session.run(output, {name: rows})
    assert np.array_equal(
        together, np.concatenate([session.run(output, {name: r[None]}) for r in rows])
    )


@pytest.mark.parametrize("kind", ["int64", "int32", "float32"])
def test_feeds_are_cast_to_what_the_graph_takes(shared: Path, kind: str) -> None:
    session = Session(shared / "fixtures/tiny-clip-immich/textual/model.onnx", "cpu")
    ids = np.arange(77).reshape(1, 77)
    (output,) = session.outputs
    expected = session.run(output, {"text": ids.astype(np.int32)})
    assert np.array_equal(session.run(output, {"text": ids.astype(kind)}), expected)


def test_what_the_graph_cannot_take_is_an_inference_error(tiny: Path) -> None:
    session = Session(tiny / "onnx/vision_model.onnx", "cpu")
    with pytest.raises(InferenceError, match="onnxruntime failed"):
        session.run("image_embeds", {"pixel_values": np.zeros((1, 7, 64, 64))})
