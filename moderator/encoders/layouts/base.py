"""What a layout's files say about its encoders, whichever layout it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moderator.encoders.image import ImageLayout
from moderator.encoders.manifest import read_json_if_there
from moderator.encoders.text import Pooling
from moderator.encoders.tokens import Clean
from moderator.errors import ModelError

#: Above this a `model_max_length` is transformers' way to say that there is none.
_NO_LIMIT: Final = 100_000


@dataclass(frozen=True)
class TextFiles:
    """A text encoder as published."""

    graph: Path
    tokenizer: Path
    window_tokens: int  # of one reading, special tokens included
    pad_token: str | int  # the token, or its id
    outputs: tuple[str, ...]  # names its vector may have, the likeliest first
    trims: bool = False  # what the config promises: padding does not change the embedding
    clean: Clean = ""
    prefix: str = ""
    pooling: Pooling | None = ""  # None: nothing says it, so the graph must have done it


@dataclass(frozen=True)
class ImageFiles:
    """An image encoder as published."""

    graph: Path
    pixels: ImageLayout  # its output and dimensions are found out from the graph
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Published:
    """A folder of encoders, understood."""

    layout: str
    text: TextFiles
    image: ImageFiles | None
    configs: tuple[Path, ...]  # beside graphs and tokenizer, files that decide an embedding


def pad_token(folder: Path, tokenizer: Mapping[str, Any], config: Mapping[str, Any]) -> str | int:
    """The token that fills up short texts, from where transformers looks for it, in its order."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        found = read_json_if_there(folder / name).get("pad_token")
        if isinstance(found, Mapping):  # an AddedToken
            found = found.get("content")
        if isinstance(found, str):
            return found
    padding = tokenizer.get("padding") or {}
    return int(padding.get("pad_id", config.get("pad_token_id") or 0))


def window(path: Path, *limits: object) -> int:
    """The smallest limit that is one. Raises ModelError where none is."""
    known = [limit for limit in limits if isinstance(limit, int) and 0 < limit < _NO_LIMIT]
    if not known:
        raise ModelError(
            f"{path}: does not say how many tokens the encoder takes; write `window_tokens` into "
            f"{path.parent / 'space.json'}"
        )
    return min(known)


def triple(values: Any) -> tuple[float, float, float]:
    """Three numbers, one a colour. Raises TypeError or ValueError."""
    red, green, blue = map(float, values)
    return red, green, blue
