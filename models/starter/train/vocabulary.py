"""Trim the teacher's word pieces to the student's and reindex tokenizer.json."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def open_tokenizer(path: Path, window_tokens: int = 256) -> Tokenizer:
    """A tokenizer that truncates at the window and pads nothing."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(window_tokens)
    return tokenizer


def general_words(vocabulary: dict[str, int], count: int = 12000) -> list[str]:
    """The commonest whole words: BERT's pieces lie in falling order of frequency."""
    ordered = sorted(vocabulary, key=vocabulary.__getitem__)
    return [p for p in ordered if p.isascii() and p.isalpha() and len(p) > 2][:count]


def choose(tokenizer: Tokenizer, texts: Iterable[str], size: int) -> list[int]:
    """Teacher ids of the kept pieces, ascending: specials, single characters, used, general."""
    vocabulary = tokenizer.get_vocab()
    counts: Counter[int] = Counter()
    for encoding in tokenizer.encode_batch(list(texts)):
        counts.update(encoding.ids)
    kept = {vocabulary[piece] for piece in SPECIAL}
    kept |= {i for piece, i in vocabulary.items() if len(piece.removeprefix("##")) == 1}
    used = [i for i, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])) if n >= 3]
    kept.update(used[: max(0, size - len(kept))])
    ordered = sorted(vocabulary.items(), key=lambda pair: pair[1])
    for piece, index in ordered:
        if len(kept) >= size:
            break
        if piece.isascii() and not piece.startswith("[unused"):
            kept.add(index)
    return sorted(kept)


def write_tokenizer(teacher_json: Path, kept: list[int], out: Path) -> None:
    """Write tokenizer.json with ids 0..len(kept)-1 in the order of the kept teacher ids."""
    tree = json.loads(teacher_json.read_text(encoding="utf-8"))
    new_of_old = {old: new for new, old in enumerate(kept)}
    vocabulary = tree["model"]["vocab"]
    ordered = sorted(vocabulary.items(), key=lambda pair: pair[1])
    tree["model"]["vocab"] = {p: new_of_old[i] for p, i in ordered if i in new_of_old}
    for token in tree["added_tokens"]:
        token["id"] = new_of_old[token["id"]]
    for token in tree["post_processor"].get("special_tokens", {}).values():
        token["ids"] = [new_of_old[i] for i in token["ids"]]
    for side in ("sep", "cls"):
        if side in tree["post_processor"]:
            piece, old = tree["post_processor"][side]
            tree["post_processor"][side] = [piece, new_of_old[old]]
    tree["padding"] = None
    tree["truncation"] = {
        "direction": "Right",
        "max_length": 256,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    out.write_text(json.dumps(tree, ensure_ascii=False, indent=None), encoding="utf-8")
