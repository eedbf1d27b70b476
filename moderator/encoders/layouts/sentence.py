"""Text-only encoders as sentence-transformers publishes them, with an ONNX export.

`onnx/model.onnx` or `model.onnx`, `tokenizer.json`, `config.json`, `1_Pooling/config.json`, and as
far as they are there `modules.json`, `sentence_bert_config.json` (the window, lower-casing) and
`config_sentence_transformers.json` (prompts).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from moderator.encoders.card import CARD, SpaceCard
from moderator.encoders.layouts.base import Published, TextFiles, pad_token, window
from moderator.encoders.layouts.variants import graph
from moderator.encoders.manifest import read_bytes, read_json, read_json_if_there
from moderator.encoders.text import Pooling
from moderator.errors import ModelError

NEEDS: Final = "onnx/model.onnx or model.onnx (and 1_Pooling/config.json)"

POOLING: Final = "1_Pooling/config.json"
#: These encoders take 256 or 512 tokens, but a sentence is lost among harmless ones in so many:
#: see `moderator.scoring.margin`. A shorter text is one reading all the same.
READING_TOKENS: Final = 64
_POOLINGS: Final[Mapping[str, Pooling]] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
}
_NAMED: Final[Mapping[object, Pooling]] = {
    "mean": "mean",
    "cls": "cls",
    "last": "last",
    "lasttoken": "last",
}
_KNOWN_MODULES: Final = ("Transformer", "Pooling", "Normalize")
# RoBERTa counts positions from behind the padding token's, which is 1.
_RESERVED_POSITIONS: Final = {"roberta": 2, "xlm-roberta": 2, "camembert": 2, "mpnet": 2}


def find(folder: Path, card: SpaceCard, variant: str, *, gpu: bool) -> Published | None:
    """See the package. Raises ModelError for files that are missing or not understood."""
    found = graph(folder / "onnx/model", variant, gpu=gpu) or graph(
        folder / "model", variant, gpu=gpu
    )
    if found is None:
        return None
    _check_modules(folder / "modules.json")
    config = read_json(folder / "config.json")
    tokenizer = read_json(folder / "tokenizer.json")
    pooled = read_json_if_there(folder / POOLING)
    settings = read_json_if_there(folder / "sentence_bert_config.json")
    prefix = _prefix(folder, card)
    if prefix and not pooled.get("include_prompt", True):
        raise ModelError(f"{folder / POOLING}: `include_prompt: false` is not supported")
    most = window(
        folder / "config.json",
        settings.get("max_seq_length"),
        read_json_if_there(folder / "tokenizer_config.json").get("model_max_length"),
        _positions(config),
    )
    return Published(
        layout="sentence",
        text=TextFiles(
            graph=found,
            tokenizer=folder / "tokenizer.json",
            window_tokens=card.window_tokens or min(most, READING_TOKENS),
            pad_token=pad_token(folder, tokenizer, config),
            outputs=("sentence_embedding", "last_hidden_state", "token_embeddings"),
            clean="lower" if settings.get("do_lower_case") else "",
            prefix=prefix,
            pooling=_pooling(folder, card, pooled),
        ),
        image=None,
        configs=tuple(
            path
            for name in (
                "config.json",
                POOLING,
                "sentence_bert_config.json",
                "config_sentence_transformers.json",
                "tokenizer_config.json",
            )
            if (path := folder / name).is_file()
        ),
    )


def _positions(config: Mapping[str, Any]) -> object:
    most = config.get("max_position_embeddings")
    if not isinstance(most, int):
        return None
    return most - _RESERVED_POSITIONS.get(str(config.get("model_type")), 0)


def _check_modules(path: Path) -> None:
    """Refuse what an ONNX export leaves out and would change the embedding, such as `Dense`."""
    if not path.is_file():
        return
    try:
        names = [str(module["type"]).rpartition(".")[2] for module in json.loads(read_bytes(path))]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not understood: {error!r}") from error
    if strange := [name for name in names if name not in _KNOWN_MODULES]:
        raise ModelError(
            f"{path}: the module {', '.join(strange)} is not supported; export the encoder with it "
            "inside the graph, as the output sentence_embedding, and delete modules.json"
        )


def _pooling(folder: Path, card: SpaceCard, config: Mapping[str, Any]) -> Pooling | None:
    """How token vectors become one; None where nothing says it. Raises ModelError."""
    if card.pooling is not None:
        if (named := _NAMED.get(card.pooling)) is None:
            raise ModelError(f"{folder / CARD}: `pooling` is mean, cls or last")
        return named
    if not config:
        return None
    modes = [key for key, value in config.items() if key.startswith("pooling_mode_") and value]
    found = [_POOLINGS.get(mode) for mode in modes]
    if "pooling_mode" in config:  # sentence-transformers 5.4 writes the name alone
        found = [_NAMED.get(config["pooling_mode"])]
    if len(found) != 1 or found[0] is None:
        raise ModelError(
            f"{folder / POOLING}: supported is one of mean, cls and last-token pooling, not "
            f"{', '.join(modes) or config.get('pooling_mode')}"
        )
    return found[0]


def _prefix(folder: Path, card: SpaceCard) -> str:
    """What stands before every text: the card's, else the default prompt, else the query's.

    Posts and prompts get the same one: they are compared as equals, for which the e5 models, too,
    are to be given "query: " on both sides.
    """
    if card.prefix is not None:
        return card.prefix
    path = folder / "config_sentence_transformers.json"
    config = read_json_if_there(path)
    prompts = config.get("prompts") or {}
    name = config.get("default_prompt_name") or ("query" if "query" in prompts else None)
    if name is None:
        return ""
    if not isinstance(prompt := prompts.get(name), str):
        raise ModelError(f"{path}: no prompt {name!r} among its `prompts`")
    return prompt
