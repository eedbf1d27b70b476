"""The sample of ordinary content that spaces without one of their own get."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from moderator.cache.memory import MemoryCache
from moderator.encoders import background
from moderator.encoders.background import LOGISTICS, NEUTRAL, VERSION, pictures, texts
from moderator.encoders.base import READING_VERSION
from moderator.encoders.fake import FakeImageEncoder, FakeTextEncoder
from moderator.encoders.load import load_space
from tests.encoders.folders import copied


def test_the_texts_are_hundreds_short_and_all_different() -> None:
    sample = texts()
    assert len(sample) == len(set(sample)) > 200
    assert max(map(len, sample)) < 120
    assert not any("{" in text for text in sample)


def test_another_sample_has_another_version() -> None:
    """It decides scores, so it is part of a space's digest: raise VERSION with this value."""
    whole = json.dumps([texts(), NEUTRAL, {k: v.model_dump() for k, v in LOGISTICS.items()}])
    found = hashlib.sha256(whole.encode()).hexdigest()[:16]
    assert (VERSION, found) == ("background 1", "f867919f34a36cf1")


def test_pictures_are_drawn_anew_and_the_same() -> None:
    drawn = [picture.tobytes() for picture, _ in zip(pictures(), range(8), strict=False)]
    assert drawn == [picture.tobytes() for picture, _ in zip(pictures(), range(8), strict=False)]
    assert len(set(drawn)) == 8


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two drawings, for speed."""
    monkeypatch.setattr(background, "_SUBJECTS", ("sunset", "gradient"))
    monkeypatch.setattr(background, "_DRAWINGS", 1)


@pytest.mark.usefixtures("few")
def test_a_published_space_is_calibrated_by_the_sample_it_embeds(shared: Path) -> None:
    space = load_space(shared / "fixtures/tiny-clip", "cpu")
    assert space.neutral == NEUTRAL
    assert set(space.calibration) == {"text", "image"}
    text, image = space.calibration["text"], space.calibration["image"]
    assert (text.slope, text.intercept) == (LOGISTICS["text"].slope, LOGISTICS["text"].intercept)
    assert text.background.shape == (len(texts()), 32)
    assert image.background.shape == (2, 32)
    assert space.image is not None
    first = space.image.prepare(next(pictures()))
    assert np.array_equal(image.background[:1], space.image.encode([first]))


@pytest.mark.usefixtures("few")
def test_a_space_of_texts_has_the_calibration_of_texts_alone() -> None:
    encoder = FakeTextEncoder()
    own = background.OwnBackground(encoder, None, LOGISTICS, background.Kept(None, "x", 64))
    assert list(own) == ["text"]
    assert encoder.encoded == []  # nothing is embedded before it is asked for
    assert own["text"] is own["text"]
    assert len(encoder.encoded) == len(texts())


@pytest.mark.usefixtures("few")
def test_workers_that_share_a_cache_embed_the_sample_once() -> None:
    cache = MemoryCache(1000)

    def calibrated(digest: str) -> tuple[background.OwnBackground, FakeTextEncoder]:
        encoder = FakeTextEncoder()
        kept = background.Kept(cache, digest, 64)
        return background.OwnBackground(encoder, FakeImageEncoder(), LOGISTICS, kept), encoder

    (one, _), (again, idle), (other, busy) = map(calibrated, ("a", "a", "b"))
    for channel in ("text", "image"):
        assert np.array_equal(one[channel].background, again[channel].background)
    assert idle.encoded == []
    assert np.array_equal(other["text"].background, one["text"].background)
    assert busy.encoded


@pytest.mark.usefixtures("few")
def test_what_a_cache_says_is_not_trusted() -> None:
    cache = MemoryCache(1000)
    kept = background.Kept(cache, "a", 64)
    own = background.OwnBackground(FakeTextEncoder(), None, LOGISTICS, kept)["text"]
    cache.put({f"background:{READING_VERSION}:a:text:7": np.full(64, np.nan, np.float32)})
    again = background.OwnBackground(FakeTextEncoder(), None, LOGISTICS, kept)["text"]
    assert np.array_equal(own.background, again.background)


@pytest.mark.usefixtures("few")
def test_a_sample_beside_the_models_overrides_ours(shared: Path, tmp_path: Path) -> None:
    folder = copied(shared / "fixtures/tiny-clip", tmp_path / "m")
    ours = load_space(folder, "cpu").digest
    rows = np.eye(32, dtype=np.float32)[:4]
    np.savez(folder / "background.npz", text=rows, image=rows)
    logistic = {"slope": 2.0, "intercept": -3.0}
    card = {"background": "background.npz", "calibration": {"text": logistic, "image": logistic}}
    (folder / "space.json").write_text(json.dumps(card))
    space = load_space(folder, "cpu")
    assert space.digest != ours
    assert space.calibration["text"].slope == 2
    assert np.array_equal(space.calibration["image"].background, rows)


@pytest.mark.usefixtures("few")
def test_a_card_may_give_the_logistic_of_one_channel_alone(shared: Path, tmp_path: Path) -> None:
    folder = copied(shared / "fixtures/tiny-clip", tmp_path / "m")
    card = {"calibration": {"text": {"slope": 2.0, "intercept": -3.0}}}
    (folder / "space.json").write_text(json.dumps(card))
    calibration = load_space(folder, "cpu").calibration
    assert calibration["text"].slope == 2
    assert calibration["image"].slope == LOGISTICS["image"].slope
