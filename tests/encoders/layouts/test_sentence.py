"""Text-only encoders as sentence-transformers publishes them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from moderator.encoders.load import load_space
from moderator.encoders.text import OnnxTextEncoder
from tests.encoders.folders import edit, refusal
from tests.encoders.graphs import TABLE, write, write_sentence_graph

POOLING = "1_Pooling/config.json"
CONFIG = "config.json"
SETTINGS = "sentence_bert_config.json"
PROMPTS = "config_sentence_transformers.json"


def dump(folder: Path, name: str, value: object) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(value))


def pools(mode: str) -> dict[str, object]:
    modes = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "lasttoken")
    return {f"pooling_mode_{m}": m == mode for m in modes}


@pytest.fixture
def folder(starter: Path, tmp_path: Path) -> Path:
    """A sentence encoder whose tokens' vectors are known, with a BERT tokenizer."""
    folder = tmp_path / "minilm"
    write_sentence_graph(folder / "onnx/model.onnx")
    shutil.copy(starter / "tokenizer.json", folder)
    dump(folder, CONFIG, {"model_type": "bert", "max_position_embeddings": 512})
    dump(folder, POOLING, pools("mean_tokens"))
    return folder


def tokens_of(text: str, folder: Path) -> NDArray[np.float32]:
    """(tokens, dimensions): what the graph makes of a text, special tokens included."""
    encoder = load_space(folder, "cpu").text
    assert isinstance(encoder, OnnxTextEncoder)
    (window,) = encoder.tokenizer.windows([text]).ids
    return TABLE[window]


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / np.linalg.norm(vector))


TEXTS = ["a cat", "the police stopped a car in the street at night", "fire"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (pools("mean_tokens"), lambda tokens: tokens.mean(axis=0)),
        (pools("cls_token"), lambda tokens: tokens[0]),
        (pools("lasttoken"), lambda tokens: tokens[-1]),
        ({"pooling_mode": "mean"}, lambda tokens: tokens.mean(axis=0)),
        ({"pooling_mode": "lasttoken"}, lambda tokens: tokens[-1]),
    ],
)
def test_tokens_are_pooled_as_published_and_padding_is_not(
    folder: Path, config: object, expected: object
) -> None:
    assert callable(expected)
    dump(folder, POOLING, config)
    space = load_space(folder, "cpu")
    assert (space.name, space.dimensions, space.channels) == ("minilm", 8, ("text",))
    found = space.text.encode(TEXTS).vectors
    for text, vector in zip(TEXTS, found, strict=True):
        assert vector == pytest.approx(unit(expected(tokens_of(text, folder))), abs=1e-6)


def test_a_graph_that_pools_itself_needs_no_pooling_config(folder: Path) -> None:
    (folder / POOLING).unlink()
    write_sentence_graph(
        folder / "onnx/model.onnx", inputs=["input_ids"], output="sentence_embedding"
    )
    vector = load_space(folder, "cpu").text.encode(["a cat"]).vectors[0]
    # Without a mask its padding counts, so it must have been padded to the window.
    pad = TABLE[0] * (64 - len(tokens_of("a cat", folder)))
    assert vector == pytest.approx(unit(tokens_of("a cat", folder).sum(axis=0) + pad), abs=1e-5)


def test_without_a_word_on_pooling_it_is_asked_for_and_our_card_may_give_it(folder: Path) -> None:
    (folder / POOLING).unlink()
    message = refusal(folder)
    assert message.startswith(f"{folder / POOLING}: cannot be read")
    assert 'write {"pooling": "mean"}' in message
    dump(folder, "space.json", {"pooling": "cls"})
    vector = load_space(folder, "cpu").text.encode(["a cat"]).vectors[0]
    assert vector == pytest.approx(unit(tokens_of("a cat", folder)[0]), abs=1e-6)


@pytest.mark.parametrize(
    "config",
    [
        pools("max_tokens"),
        pools("none at all"),
        pools("cls_token") | {"pooling_mode_mean_tokens": True},
        {"pooling_mode": "weightedmean"},
    ],
)
def test_another_pooling_is_refused(folder: Path, config: object) -> None:
    dump(folder, POOLING, config)
    assert refusal(folder).startswith(f"{folder / POOLING}: supported is one of mean, cls and last")


def test_a_module_that_the_graph_lacks_is_refused(folder: Path) -> None:
    kinds = ["Transformer", "Pooling", "Dense", "Normalize"]
    modules = [{"type": f"sentence_transformers.models.{kind}"} for kind in kinds]
    dump(folder, "modules.json", modules)
    assert "the module Dense is not supported" in refusal(folder)
    dump(folder, "modules.json", [modules[0], modules[1], modules[3]])
    assert load_space(folder, "cpu").dimensions == 8


@pytest.mark.parametrize(
    ("prompts", "card", "prefix"),
    [
        ({"prompts": {"query": "query: ", "passage": "passage: "}}, {}, "query: "),
        (
            {
                "prompts": {"query": "query: ", "sts": "compare: "},
                "default_prompt_name": "sts",
            },
            {},
            "compare: ",
        ),
        ({"prompts": {"passage": "passage: "}}, {}, ""),
        ({"prompts": {}, "default_prompt_name": None}, {}, ""),
        ({}, {"prefix": "query: "}, "query: "),
        ({"prompts": {"query": "query: "}}, {"prefix": ""}, ""),
    ],
)
def test_the_prompt_is_the_cards_else_the_default_else_the_querys(
    folder: Path, prompts: object, card: object, prefix: str
) -> None:
    bare = load_space(folder, "cpu").text.encode([prefix + "a cat"]).vectors
    dump(folder, PROMPTS, prompts)
    dump(folder, "space.json", card)
    assert np.array_equal(load_space(folder, "cpu").text.encode(["a cat"]).vectors, bare)


def test_a_prompt_that_is_not_there_is_refused(folder: Path) -> None:
    dump(folder, PROMPTS, {"prompts": {"query": "query: "}, "default_prompt_name": "sts"})
    assert refusal(folder) == f"{folder / PROMPTS}: no prompt 'sts' among its `prompts`"


def windows(folder: Path) -> list[list[int]]:
    encoder = load_space(folder, "cpu").text
    assert isinstance(encoder, OnnxTextEncoder)
    return encoder.tokenizer.windows(["a cat in the street " * 40]).ids


def test_a_long_text_is_read_in_windows_no_longer_than_the_encoder_takes(folder: Path) -> None:
    assert len(windows(folder)[0]) == 64
    dump(folder, SETTINGS, {"max_seq_length": 32})
    assert len(windows(folder)[0]) == 32
    dump(folder, "space.json", {"window_tokens": 100})
    assert len(windows(folder)[0]) == 100


def test_positions_that_roberta_keeps_for_itself_do_not_count(folder: Path) -> None:
    dump(folder, CONFIG, {"model_type": "xlm-roberta", "max_position_embeddings": 34})
    assert len(windows(folder)[0]) == 32


def test_a_window_that_nothing_states_is_asked_for(folder: Path) -> None:
    dump(folder, CONFIG, {"model_type": "bert"})
    dump(folder, "tokenizer_config.json", {"model_max_length": 1e30})
    message = refusal(folder)
    assert message.startswith(f"{folder / CONFIG}: does not say how many tokens")
    assert "`window_tokens`" in message


def test_a_text_is_lower_cased_where_the_reference_does_it(folder: Path) -> None:
    edit(folder / "tokenizer.json", lambda tokenizer: tokenizer.update(normalizer=None))
    cased, lower = load_space(folder, "cpu").text.encode(["A CAT", "a cat"]).vectors
    assert not np.array_equal(cased, lower)
    dump(folder, SETTINGS, {"do_lower_case": True})
    cased, lower = load_space(folder, "cpu").text.encode(["A CAT", "a cat"]).vectors
    assert np.array_equal(cased, lower)


def test_an_input_that_nobody_can_fill_is_named(folder: Path) -> None:
    graph = folder / "onnx/model.onnx"
    write_sentence_graph(graph, inputs=["input_ids", "past_key_values.0.key", "bbox"])
    assert refusal(folder).startswith(
        f"{graph}: no value is known for its input bbox, past_key_values.0.key; export it"
    )


def test_a_graph_for_something_else_is_named(folder: Path) -> None:
    graph = folder / "onnx/model.onnx"
    write_sentence_graph(graph, inputs=["attention_mask"])
    assert f"{graph}: none of its inputs attention_mask is input_ids or text" in refusal(folder)


def test_a_graph_whose_ids_have_other_axes_is_named(folder: Path) -> None:
    graph = folder / "onnx/model.onnx"
    node = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])
    write(
        graph,
        [node],
        {"input_ids": (TensorProto.INT64, ["n"])},
        {"last_hidden_state": ["n", 8]},
        {"table": TABLE},
    )
    assert f"{graph}: its input input_ids has the shape ('n',), not 2 axes" in refusal(folder)


def test_a_vocabulary_that_is_not_the_graphs_is_found_out(folder: Path, shared: Path) -> None:
    shutil.copy(shared / "fixtures/tiny-clip/tokenizer.json", folder)  # ids up to 49,407
    assert "a first try failed, so it does not fit the files beside it" in refusal(folder)


def test_the_pad_token_of_the_config_must_be_the_tokenizers(folder: Path) -> None:
    dump(folder, "tokenizer_config.json", {"pad_token": {"content": "<none>"}})
    assert "no token '<none>', which pads" in refusal(folder)


def test_weights_beside_the_graph_are_part_of_the_digest(folder: Path) -> None:
    before = load_space(folder, "cpu").digest
    assert load_space(folder, "cpu").digest == before
    (folder / "onnx/model.onnx_data").write_bytes(b"weights")
    assert load_space(folder, "cpu").digest != before
