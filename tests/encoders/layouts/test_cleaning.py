"""What a reference does to a text in Python, before its tokenizer sees it."""

from pathlib import Path

import numpy as np
import pytest

from moderator.encoders.load import load_space
from tests.encoders.folders import copied, edit


def vectors(folder: Path, *texts: str) -> list[bytes]:
    return [row.tobytes() for row in load_space(folder, "cpu").text.encode(texts).vectors]


@pytest.fixture
def siglip(shared: Path, tmp_path: Path) -> Path:
    """The tiny SigLIP with a tokenizer that neither lower-cases nor drops punctuation."""
    folder = copied(shared / "fixtures/tiny-siglip", tmp_path / "siglip")
    edit(folder / "tokenizer.json", lambda tokenizer: tokenizer.update(normalizer=None))
    return folder


def test_siglip_drops_case_punctuation_and_blanks_as_its_tokenizer_class_does(
    siglip: Path, shared: Path
) -> None:
    one, other, third = vectors(siglip, "A  photo, of\ta CAT!!", "a photo of a cat", "a photo")
    assert one == other != third
    # So that the text has the vector of the tokenizer that does it all itself.
    assert vectors(shared / "fixtures/tiny-siglip", "A  photo, of\ta CAT!!") == [one]


@pytest.mark.parametrize("name", ["GemmaTokenizer", "Siglip2Tokenizer"])
def test_siglip_2_lower_cases_and_keeps_punctuation(siglip: Path, name: str) -> None:
    edit(siglip / "tokenizer_config.json", lambda config: config.update(tokenizer_class=name))
    one, other, third = vectors(siglip, "A CAT!", "a cat!", "a cat")
    assert one == other != third


@pytest.mark.parametrize(("clean", "same"), [("canonicalize", True), ("whitespace", False)])
def test_open_clip_canonicalises_where_its_configuration_says_so(
    shared: Path, tmp_path: Path, clean: str, *, same: bool
) -> None:
    folder = copied(shared / "fixtures/tiny-siglip-immich", tmp_path / "m")
    edit(folder / "textual/tokenizer.json", lambda tokenizer: tokenizer.update(normalizer=None))
    edit(
        folder / "config.json",
        lambda config: config["text_cfg"].update(tokenizer_kwargs={"clean": clean}),
    )
    one, other = vectors(folder, "A photo, of a CAT!", "a photo of a cat")
    assert (one == other) == same


def test_siglip_is_padded_to_its_window_whatever_the_folder_is_called(
    siglip: Path, shared: Path
) -> None:
    """It pools the last position: a text padded less would have another vector."""
    renamed = siglip.rename(siglip.with_name("clip-vit"))
    edit(renamed / "config.json", lambda config: config.update(model_type="clip"))
    # Even where the configuration claims that padding does not matter, the graph is asked.
    found = load_space(renamed, "cpu").text.encode(["a cat", "fire in the street at night"])
    expected = load_space(shared / "fixtures/tiny-siglip", "cpu").text.encode(
        ["a cat", "fire in the street at night"]
    )
    assert np.array_equal(found.vectors, expected.vectors)
