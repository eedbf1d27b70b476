"""Texts through the models that ship with the package."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from moderator.encoders.load import load_space
from moderator.encoders.onnx import Session
from moderator.encoders.text import OnnxTextEncoder, TextLayout
from moderator.encoders.tokens import Reading, WindowTokenizer
from moderator.errors import InferenceError

# The shipped int8 graph is the same to the bit; a little room for other builds of onnxruntime.
SAME = 0.99999
TEXTS = [
    "hello",
    "We planted tomatoes behind our house, and now there are far too many of them. " * 3,
    "You are pathetic and nobody likes you!",
    "",
    "日本語のテキスト",
    "🙂🙂🙂",
    "Sell your house now, guaranteed profit, send bitcoin.",
]


@pytest.fixture(scope="module")
def encoder(starter: Path) -> OnnxTextEncoder:
    encoder = load_space(starter, "cpu").text
    assert isinstance(encoder, OnnxTextEncoder)
    return encoder


@pytest.fixture(scope="module")
def new_encoder(starter: Path) -> "NewEncoder":
    return NewEncoder(starter)


class NewEncoder:
    """Makes encoders over the starter's graph with another layout."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = folder / "tokenizer.json"
        self._session = Session(folder / "onnx/text_model.onnx", "cpu")

    def __call__(
        self, *, window_tokens: int = 256, overlap_tokens: int = 32, **layout: Any
    ) -> OnnxTextEncoder:
        tokenizer = WindowTokenizer(self._tokenizer, Reading(window_tokens, overlap_tokens))
        common: dict[str, Any] = {"dimensions": 384, "pad_id": 0, "window_tokens": window_tokens}
        found = TextLayout(output=self._session.outputs[0], **(common | layout))
        return OnnxTextEncoder(self._session, tokenizer, found)


def test_every_text_has_a_unit_vector_in_its_place(encoder: OnnxTextEncoder) -> None:
    vectors, owners, *_ = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert owners.tolist() == list(range(len(TEXTS)))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1] * len(TEXTS), abs=1e-5)


def test_a_batch_gives_what_its_texts_give_alone(encoder: OnnxTextEncoder) -> None:
    together = encoder.encode(TEXTS).vectors
    alone = np.concatenate([encoder.encode([text]).vectors for text in TEXTS])
    assert ((together * alone).sum(axis=1) > SAME).all()
    others = alone @ alone.T - 2 * np.eye(len(TEXTS))
    assert others.max() < 0.9  # or "the same" would say nothing


def test_many_small_batches_give_what_a_large_one_gives(new_encoder: NewEncoder) -> None:
    large, small = new_encoder(), new_encoder(max_batch_tokens=16)
    one, other = large.encode(TEXTS), small.encode(TEXTS)
    assert ((one.vectors * other.vectors).sum(axis=1) > SAME).all()


def test_short_texts_are_not_padded_to_long_ones_where_there_are_enough_of_both(
    encoder: OnnxTextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[tuple[int, ...]] = []
    run = encoder._session.run

    def watched(output: str, feeds: Any) -> Any:
        fed.append(feeds["input_ids"].shape)
        return run(output, feeds)

    monkeypatch.setattr(encoder._session, "run", watched)
    encoder.encode(["hello", "garden " * 50] * 10)
    assert [rows for rows, _ in fed] == [10, 10]
    assert fed[0][1] < fed[1][1] / 5


def test_a_graph_that_is_not_batch_invariant_gives_each_text_the_very_same_vector_in_any_company(
    new_encoder: NewEncoder,
) -> None:
    encoder = new_encoder(batch_invariant=False)
    together = encoder.encode(TEXTS).vectors
    alone = np.concatenate([encoder.encode([text]).vectors for text in TEXTS])
    assert np.array_equal(together, alone)


def test_threads_may_share_an_encoder(encoder: OnnxTextEncoder) -> None:
    expected = encoder.encode(TEXTS).vectors
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(lambda _: encoder.encode(TEXTS), range(8)):
            assert np.array_equal(found.vectors, expected)


def test_texts_of_like_meaning_are_nearer_than_others(encoder: OnnxTextEncoder) -> None:
    insult, other_insult, garden = encoder.encode(
        ["You are a stupid idiot.", "What a dumb fool you are!", "Tomatoes need a lot of sun."]
    ).vectors
    assert insult @ other_insult > insult @ garden + 0.1


def test_no_texts_no_vectors(encoder: OnnxTextEncoder) -> None:
    vectors, owners, *_ = encoder.encode([])
    assert (vectors.shape, owners.shape) == ((0, 384), (0,))


def test_the_windows_of_a_long_text_overlap_and_cover_all_of_it(starter: Path) -> None:
    new = NewEncoder(starter)
    encoder = new(window_tokens=20, overlap_tokens=6)
    words = [f"{number}" for number in range(100, 200)]  # numbers of three figures
    windows, owners, _ = encoder.tokenizer.windows(["short", " ".join(words), "short too"])
    plain = Tokenizer.from_file(str(starter / "tokenizer.json"))
    plain.no_truncation()
    whole = plain.encode(" ".join(words), add_special_tokens=False).ids
    mine = [window[1:-1] for window, owner in zip(windows, owners, strict=True) if owner == 1]
    assert len(mine) > 5
    assert all(len(window) <= 18 for window in mine)
    joined = mine[0]
    for window in mine[1:]:
        assert joined[-6:] == window[:6]
        joined = joined + window[6:]
    assert joined == whole
    assert owners == [0] + [1] * len(mine) + [2]


def test_a_long_text_has_a_reading_of_its_end(encoder: OnnxTextEncoder) -> None:
    end = "You are pathetic and nobody likes you, so go and kill yourself."
    vectors, owners, *_ = encoder.encode(["We planted tomatoes behind our house. " * 200 + end])
    assert len(vectors) > 3
    assert (owners == 0).all()
    target = encoder.encode([end]).vectors[0]
    assert int((vectors @ target).argmax()) == len(vectors) - 1


def test_another_dimension_than_the_card_says_is_an_inference_error(
    new_encoder: NewEncoder,
) -> None:
    with pytest.raises(InferenceError, match=r"shape \(1, 384\), expected \(rows, 512\)"):
        new_encoder(dimensions=512).encode(["hello"])


def test_the_share_of_letters_that_have_no_token_is_told(encoder: OnnxTextEncoder) -> None:
    texts = [
        "We planted tomatoes.",
        "hello \u4f60\u597d\u4e16\u754c",
        "\U0001f525 \U0001f525",
        "x" * 150,
    ]
    unknown = encoder.encode(texts).unknown
    assert 0 not in unknown
    assert unknown.get(2, 0) == 0  # no letters
    assert unknown[3] == 1
