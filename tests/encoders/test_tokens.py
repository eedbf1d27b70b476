"""Texts of strangers to token ids: every kind of tokenizer, and every special token typed."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from moderator.encoders.tokens import Reading, WindowTokenizer
from moderator.errors import ModelError

WIDE = Reading(window_tokens=64, overlap_tokens=16)
SPECIALS = [
    "<|endoftext|>",
    "<|startoftext|>",
    "</s>",
    "<s>",
    "<pad>",
    "<unk>",
    "<mask>",
    "[SEP]",
    "[CLS]",
    "[PAD]",
    "[MASK]",
    "[UNK]",
]


def altered(source: Path, to: Path, **keys: Any) -> Path:
    to.write_text(json.dumps(json.loads(source.read_text()) | keys))
    return to


@pytest.fixture(scope="module", params=["clip", "siglip", "unigram", "wordpiece", "whole words"])
def file(
    request: pytest.FixtureRequest,
    shared: Path,
    starter: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A tokenizer of each kind.

    `unigram` keeps punctuation, as XLM-R and e5 do, so that `</s>` reaches its vocabulary. `whole
    words` is a WordPiece that splits at blanks alone, so that `[SEP]` does.
    """
    siglip = shared / "fixtures/tiny-siglip/tokenizer.json"
    made = tmp_path_factory.mktemp("tokens") / "tokenizer.json"
    return {
        "clip": lambda: shared / "fixtures/tiny-clip/tokenizer.json",
        "siglip": lambda: siglip,
        "unigram": lambda: altered(siglip, made, normalizer=None),
        "wordpiece": lambda: starter / "tokenizer.json",
        "whole words": lambda: altered(
            starter / "tokenizer.json",
            made,
            normalizer=None,
            pre_tokenizer={"type": "WhitespaceSplit"},
        ),
    }[request.param]()


@pytest.fixture(scope="module")
def tokenizer(file: Path) -> WindowTokenizer:
    return WindowTokenizer(file, WIDE)


@cache
def specials_of(file: Path) -> dict[str, int]:
    tokens = json.loads(file.read_text())["added_tokens"]
    return {token["content"]: token["id"] for token in tokens if token["special"]}


@cache
def controls_of(file: Path) -> set[int]:
    """The special tokens other than the one for what is unknown."""
    model = json.loads(file.read_text())["model"]
    unknown = {model.get("unk_id"), specials_of(file).get(model.get("unk_token", ""))}
    return set(specials_of(file).values()) - unknown


@pytest.mark.parametrize("typed", SPECIALS)
def test_a_special_token_typed_by_a_user_is_text(
    file: Path, tokenizer: WindowTokenizer, typed: str
) -> None:
    head = len(tokenizer.windows([""]).ids[0]) - 1  # every kind here ends with one special token
    for text in (
        f"hello {typed} you",
        f"hello{typed}you",
        typed,
        f"\uffff {typed}",
        typed.upper(),
    ):
        (window,) = tokenizer.windows([text]).ids
        assert not controls_of(file) & set(window[head:-1]), text


def test_the_tokenizers_as_published_would_take_them_for_control(shared: Path) -> None:
    plain = Tokenizer.from_file(str(shared / "fixtures/tiny-clip/tokenizer.json"))
    assert 49407 in plain.encode("hello <|endoftext|> you").ids[:-1]
    # The switch meant for it does not reach the pieces of a Unigram vocabulary.
    siglip = json.loads((shared / "fixtures/tiny-siglip/tokenizer.json").read_text())
    unigram = Tokenizer.from_str(json.dumps(siglip | {"normalizer": None}))
    unigram.encode_special_tokens = True
    assert 1 in unigram.encode("hello </s> you").ids[:-1]


def test_other_texts_have_the_ids_of_the_file_itself(
    file: Path, tokenizer: WindowTokenizer
) -> None:
    plain = Tokenizer.from_file(str(file))
    plain.no_padding()
    plain.enable_truncation(64)
    texts = ["", "A cat & a dog!", "déjà vu 😀 一张", "fire " * 200, "x</ s>y [SE P]", "\uffff"]
    windows, owners, _ = tokenizer.windows(texts)
    for row, text in enumerate(texts):
        assert windows[owners.index(row)] == plain.encode(text).ids


def test_the_windows_of_a_long_text_overlap_and_cover_all_of_it(file: Path) -> None:
    tokenizer = WindowTokenizer(file, Reading(window_tokens=20, overlap_tokens=6))
    text = " ".join(f"word {number}" for number in range(100, 160))
    windows, owners, cut = tokenizer.windows(["short", text, "short too"])
    (empty,) = tokenizer.windows([""]).ids
    head = empty[:-1]  # every kind here ends with one special token
    mine = [
        window[len(head) : -1] for window, owner in zip(windows, owners, strict=True) if owner == 1
    ]
    assert len(mine) > 5
    assert {len(window) for window in mine[:-1]} == {20 - len(empty)}
    joined = mine[0]
    for window in mine[1:]:
        assert joined[-6:] == window[:6]
        assert len(window) > 6
        joined = joined + window[6:]
    whole = Tokenizer.from_file(str(file))
    whole.no_truncation()
    assert joined == whole.encode(text, add_special_tokens=False).ids
    assert owners == [0] + [1] * len(mine) + [2]
    assert not cut


def test_more_windows_than_the_cap_are_told(shared: Path) -> None:
    reading = Reading(window_tokens=20, overlap_tokens=5, max_windows=3)
    tokenizer = WindowTokenizer(shared / "fixtures/tiny-clip/tokenizer.json", reading)
    windows, owners, cut = tokenizer.windows(["cat", "cat " * 200, "cat " * 30])
    assert owners == [0, 1, 1, 1, 2, 2]
    # 200 tokens: 18 in the first window, 13 more in each of the others.
    assert cut == {1: 15}
    assert len(windows) == 6


def test_a_prefix_begins_every_window(file: Path) -> None:
    tokenizer = WindowTokenizer(file, Reading(24, 4, prefix="query: "))
    bare = WindowTokenizer(file, Reading(64, 4))
    (whole,) = bare.windows(["query: a cat"]).ids
    assert tokenizer.windows(["a cat"]).ids == [whole]
    (alone,) = bare.windows(["query:"]).ids
    windows = tokenizer.windows(["a cat in the street " * 20]).ids
    assert len(windows) > 3
    for window in windows:
        assert window[: len(alone) - 1] == alone[:-1]
        assert len(window) <= 24


def test_an_unknown_letter_is_one_without_a_token(file: Path, tokenizer: WindowTokenizer) -> None:
    (window,) = tokenizer.windows(["cat \u2603\u4f60\u4f60"]).ids
    is_bytes = "Byte" in str(json.loads(file.read_text())["pre_tokenizer"])
    assert tokenizer.has_unknown(window) == (not is_bytes)
    share = tokenizer.unknown_share("cat \u4f60\u4f60\u4f60")
    assert (share > 0) == (not is_bytes)


@pytest.fixture
def kind(request: pytest.FixtureRequest, shared: Path, starter: Path) -> WindowTokenizer:
    """A tokenizer that has an unknown token, by its name."""
    folder = starter if request.param == "wordpiece" else shared / "fixtures/tiny-siglip"
    return WindowTokenizer(folder / "tokenizer.json", WIDE)


ENGLISH = "The weather was lovely today and we walked along the river with friends. " * 3
RUSSIAN = (
    "\u0437\u0430\u0432\u0442\u0440\u0430 \u044f \u0442\u0435\u0431\u044f "
    "\u043d\u0430\u0439\u0434\u0443 \u0438 \u0443\u0432\u0438\u0436\u0443"
)


@pytest.mark.parametrize("kind", ["wordpiece"], indirect=True)
def test_a_sentence_that_is_not_read_is_not_outweighed_by_others(kind: WindowTokenizer) -> None:
    assert kind.unknown_share(ENGLISH) == 0
    assert kind.unknown_share(ENGLISH + RUSSIAN) > 0.3
    assert kind.unknown_share(RUSSIAN + " " + ENGLISH) > 0.3
    assert kind.unknown_share(f"{ENGLISH}\u0418\u0432\u0430\u043d {ENGLISH}") < 0.3


@pytest.mark.parametrize("kind", ["wordpiece", "siglip"], indirect=True)
def test_braille_is_text_and_emoji_and_drawings_are_not(kind: WindowTokenizer) -> None:
    assert kind.unknown_share("\u2813\u2811\u2807\u2807\u2815") == 1
    signs = "\U0001f600\U0001f980\u2764\u2588\u2588\u2591\U0001f1e9\U0001f1ea \u2794 \u2713 "
    assert kind.unknown_share(signs * 10) == 0
    assert kind.unknown_share(f"{signs}hello my friend") < 0.3


@pytest.mark.parametrize("content", [b"{}", b"", b"[]", b'{"model": {}}', b"\xff"])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"tokenizer\.json: not "):
        WindowTokenizer(tmp_path / "tokenizer.json", WIDE)


def test_a_window_without_room_for_text_is_refused(shared: Path) -> None:
    path = shared / "fixtures/tiny-clip/tokenizer.json"
    with pytest.raises(ModelError, match="raise `window_tokens`"):
        WindowTokenizer(path, Reading(window_tokens=12, overlap_tokens=10))
