"""A picture is decoded and encoded once: within a batch, and with a cache ever after."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
import pytest
from PIL import Image

from moderator.cache.media import MediaCache
from moderator.cache.memory import MemoryCache
from moderator.encoders.base import READING_VERSION, ImageEncoder, Matrix, Pixels, Space
from moderator.encoders.fake import DIMENSIONS, FakeImageEncoder, fake_space
from moderator.errors import InferenceError, MediaError
from moderator.media.decode import DecodeLimits
from moderator.media.prepare import Look, Prepared
from moderator.pictures import media_scope
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.verdicts import Verdict, encode_verdict
from tests.builders import LIMITS, a_post, a_rule, a_screener, compiled, picture

RED, BLUE = picture("red"), picture("blue")


@dataclass
class Watched:
    """The fake image encoder; counts what it does, and fails where it is told to."""

    side: int = 8
    prepared: int = 0
    encoded: int = 0
    fails: Callable[[Pixels], bool] = lambda _: False
    _encoder: ImageEncoder = field(default_factory=FakeImageEncoder)

    def prepare(self, image: Image.Image) -> Pixels:
        self.prepared += 1
        return self._encoder.prepare(image)

    def encode(self, images: Sequence[Pixels]) -> Matrix:
        if any(map(self.fails, images)):
            raise InferenceError("the encoder returned NaN, infinity or a vector of zeros")
        self.encoded += len(images)
        return self._encoder.encode(images)


@pytest.fixture
def encoder() -> Watched:
    return Watched()


@pytest.fixture
def watched(encoder: Watched) -> Space:
    return replace(fake_space(), image=encoder)


def a_cache() -> MediaCache:
    return MediaCache(MemoryCache(1000), "scope", DIMENSIONS)


def animation() -> bytes:
    """Three frames, half of them transparent, three times as wide as high: many views."""
    frames = [
        Image.new("RGBA", (48, 16), colour) for colour in ((220, 30, 30, 255), (30, 30, 220, 90))
    ]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    return file.getvalue()


def without_timing(verdicts: Sequence[Verdict]) -> list[bytes]:
    return [encode_verdict(msgspec.structs.replace(each, timing_ms={})) for each in verdicts]


def test_the_same_bytes_in_a_batch_are_encoded_once(encoder: Watched, watched: Space) -> None:
    screener = a_screener(space=watched)
    posts = [a_post("1", None, RED, BLUE), a_post("2", None, RED), a_post("3", None, RED, RED)]
    verdicts = screener.screen(posts)
    assert (encoder.prepared, encoder.encoded) == (2, 2)
    assert [verdict.action for verdict in verdicts] == ["block"] * 3


def test_what_was_seen_before_is_neither_decoded_nor_encoded(
    encoder: Watched, watched: Space
) -> None:
    cache = a_cache()
    screener = a_screener(space=watched, seen=cache)
    screener.screen([a_post("1", None, RED)])
    (verdict,) = screener.screen([a_post("2", None, RED)])
    assert (encoder.prepared, encoder.encoded) == (1, 1)
    assert verdict.action == "block"
    assert cache.counts == (1, 1)


def test_verdicts_are_the_same_to_the_byte_with_and_without_the_cache() -> None:
    media = (RED, BLUE, animation(), b"junk", RED[:-20], b"", RED)
    posts = [
        LoadedPost(Post(id="all", text="red fire", media=tuple(map(_named, media))), media),
        *(a_post(str(number), None, each) for number, each in enumerate(media)),
        a_post("none", "tomatoes"),
        LoadedPost(Post(id="video", media=(Media(type="video/mp4", data=RED),)), (RED,)),
    ]
    rules = compiled(a_rule(), a_rule("sea", violates=["blue"]))
    expected = without_timing(a_screener(rules, detail="full").screen(posts))
    seen = a_screener(rules, detail="full", seen=a_cache())
    assert without_timing(seen.screen(posts)) == expected  # fills it
    assert without_timing(seen.screen(posts)) == expected  # reads from it
    one_by_one = [verdict for post in posts for verdict in seen.screen([post])]
    assert without_timing(one_by_one) == expected


def _named(content: bytes) -> Media:
    return Media(id=f"{len(content)} bytes", data=content)


def test_pixels_count_against_the_limit_of_a_post_though_they_are_decoded_no_more() -> None:
    screener = a_screener(limits=replace(LIMITS, max_pixels=300), seen=a_cache())  # one has 192
    for _ in range(2):
        (verdict,) = screener.screen([a_post("1", None, RED, RED, RED)])
        assert verdict.modalities[-1].code == "too_many_pixels"


def test_what_could_not_be_read_in_full_is_tried_again(encoder: Watched, watched: Space) -> None:
    cache = a_cache()
    screener = a_screener(space=watched, seen=cache)
    encoder.fails = lambda pixels: bool(pixels[..., 2].mean() > 100)  # what is blue
    (failed,) = screener.screen([a_post("1", None, animation())])
    assert failed.action in {"review", "block"}
    assert "inference_failed" in {report.code for report in failed.modalities}
    encoder.fails = lambda _: False
    (verdict,) = screener.screen([a_post("1", None, animation())])
    assert {report.code for report in verdict.modalities} == {None}
    assert cache.counts == (0, 2)


def test_every_post_that_shows_a_picture_hears_of_its_failure(
    encoder: Watched, watched: Space
) -> None:
    encoder.fails = lambda pixels: bool(pixels[..., 2].mean() > 100)
    verdicts = a_screener(space=watched).screen(
        [a_post("1", None, BLUE), a_post("2", None, RED, BLUE), a_post("3", None, RED)]
    )
    failed = [
        [report.media for report in verdict.modalities if report.code == "inference_failed"]
        for verdict in verdicts
    ]
    assert failed == [["0"], ["1"], []]
    assert [verdict.action for verdict in verdicts] == ["review", "block", "block"]


@dataclass
class Failing:
    """A decoder that fails on everything but what is red, and counts how often it is asked."""

    code: str
    asked: int = 0

    def prepare(self, content: bytes) -> Prepared:
        self.asked += 1
        if content != RED:
            raise MediaError(self.code, "as it was told to")
        return Prepared([Look(FakeImageEncoder().prepare(Image.open(io.BytesIO(content))))], 192)

    def close(self) -> None:
        pass


def test_what_cannot_be_decoded_is_tried_once_in_a_batch() -> None:
    decoder = Failing("image_corrupt")
    posts = [a_post("1", None, BLUE, BLUE), a_post("2", None, BLUE), a_post("3", None, RED)]
    verdicts = a_screener(decoder=decoder).screen(posts)
    assert decoder.asked == 2
    failed = [
        [report.media for report in verdict.modalities if report.code == "image_corrupt"]
        for verdict in verdicts
    ]
    assert failed == [["0", "1"], ["0"], []]
    assert [verdict.action for verdict in verdicts] == ["review", "review", "block"]


def test_of_a_post_that_takes_too_long_to_decode_the_rest_is_not_read() -> None:
    decoder = Failing("decoder_timed_out")
    slow = [BLUE + bytes([number]) for number in range(20)]
    limits = replace(LIMITS, max_decode_seconds=1e-9)
    screener = a_screener(decoder=decoder, limits=limits)
    late, other = screener.screen([a_post("1", None, *slow, RED), a_post("2", None, RED)])
    assert decoder.asked == 1 + 1
    codes = [report.code for report in late.modalities if report.code]
    assert codes == ["decoder_timed_out", "decoding_too_slow"]
    assert late.modalities[-1].reason == "read 1 of 21 images in 1e-09 s"
    assert (late.action, other.action) == ("review", "block")


def test_the_scope_names_the_encoder_and_the_limits(space: Space) -> None:
    limits = DecodeLimits()
    scopes = {
        media_scope(space, limits),
        media_scope(replace(space, digest="other"), limits),
        media_scope(space, replace(limits, frames=3)),
    }
    assert len(scopes) == 3
    assert media_scope(space, DecodeLimits()) in scopes


def test_the_scope_names_our_way_of_reading(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    before = media_scope(space, DecodeLimits())
    monkeypatch.setattr("moderator.pictures.READING_VERSION", READING_VERSION + 1)
    assert media_scope(space, DecodeLimits()) != before


def test_the_vectors_are_those_of_the_encoder() -> None:
    cache = a_cache()
    a_screener(seen=cache).screen([a_post("1", None, RED)])
    (seen,) = cache.get([hashlib.sha256(RED).hexdigest()]).values()
    assert seen.pixels == 16 * 12
    expected = FakeImageEncoder().encode(
        [FakeImageEncoder().prepare(Image.open(io.BytesIO(RED)).convert("RGB"))]
    )
    assert np.array_equal(seen.vectors, expected)
