"""What a viewer may see of an upload, all of it."""

import io
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from moderator.encoders.fake import FakeImageEncoder
from moderator.errors import MediaError
from moderator.media.decode import DecodeLimits, decode
from moderator.media.views import spread, views
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from tests.builders import LIMITS, a_decoder, a_post, a_rule, a_screener, compiled, screen_one


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def animation(kind: str, colours: Sequence[str], milliseconds: int = 200) -> bytes:
    frames = [Image.new("RGB", (16, 16), colour) for colour in colours]
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    options |= {"save_all": True, "append_images": frames[1:], "duration": milliseconds}
    return saved(frames[0], kind, **options)


@pytest.mark.parametrize(
    ("count", "budget", "places"),
    [(1, 8, {0}), (3, 8, {0, 1, 2}), (100, 1, {0}), (101, 3, {0, 50, 100}), (9, 2, {0, 8})],
)
def test_a_sample_is_spread_evenly_from_the_first_to_the_last(
    count: int, budget: int, places: set[int]
) -> None:
    assert spread(count, budget) == places


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_frames_of_an_animation_have_their_time(kind: str) -> None:
    # Neighbours that are alike would be one frame to the encoders of these formats.
    content = animation(kind, ["red", "lime", "blue", "white", "black"])
    found = list(views(content, DecodeLimits(frames=3)))
    assert [view.seconds for view in found] == pytest.approx([0, 0.4, 0.8])
    middles = np.array([np.asarray(view.image)[8, 8] for view in found], np.int16)
    assert np.abs(middles - [[255, 0, 0], [0, 0, 255], [0, 0, 0]]).max() < 12


def test_a_still_image_has_no_time() -> None:
    (view,) = views(saved(Image.new("RGB", (8, 8)), "PNG"), DecodeLimits())
    assert view.seconds is None


def test_frames_without_a_duration_last_as_long_as_browsers_show_them() -> None:
    content = animation("GIF", ["red", "lime", "blue"], milliseconds=0)
    assert [view.seconds for view in views(content, DecodeLimits())] == [0, 0.1, 0.2]


def test_a_verdict_says_when_the_frame_that_decided_is_shown() -> None:
    content = animation("GIF", ["blue", "red", "blue", "white", "red", "blue"])
    screener = a_screener(compiled(a_rule(violates=["white"])))
    channel = screen_one(a_post("1", None, content), screener).rules[0].channels["image"]
    assert (channel.media, channel.seconds) == ("0", 0.6)
    assert channel.lasting is not None
    assert channel.lasting < channel.score


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_every_frame_that_transparency_hides_is_seen_on_white_and_on_black(kind: str) -> None:
    """A black frame, then one whose colours are black too: only its alpha shows anything."""
    first = Image.new("RGBA", (16, 16), (0, 0, 0, 255))
    hidden = first.copy()
    hidden.paste((0, 0, 0, 0), (0, 0, 16, 8))
    options: dict[str, Any] = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    if kind == "GIF":
        options["disposal"] = 2
        first.putpixel((15, 0), (0, 0, 0, 0))  # or Pillow writes a file without transparency
    options |= {"save_all": True, "append_images": [hidden], "duration": 200}
    stored, on_white, on_black = (
        np.asarray(view.image)
        for view in views(saved(first, kind, **options), DecodeLimits())
        if view.seconds == 0.2
    )
    assert stored[2, 2].max() == 0
    assert (on_white[2, 2].min(), on_white[12, 2].max()) == (255, 0)
    assert on_black.max() == 0


def test_every_frame_is_turned_upright() -> None:
    frames = [Image.new("RGB", (32, 16), colour) for colour in ("red", "blue")]
    exif = Image.Exif()
    exif[274] = 6  # a quarter turn
    content = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], exif=exif)
    assert [view.image.size for view in views(content, DecodeLimits())] == [(16, 32)] * 2


def test_every_frame_of_16_bits_keeps_its_high_byte() -> None:
    frames = [Image.new("I;16", (16, 16), level << 8) for level in (200, 100)]
    content = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    found = [int(np.asarray(view.image).max()) for view in views(content, DecodeLimits())]
    assert found == [200, 100]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_of_a_truncated_file_what_is_there_is_read_where_that_is_asked_for(kind: str) -> None:
    picture = Image.effect_noise((200, 150), 90).convert("RGB")
    picture.paste("white", (0, 0, 200, 60))
    content = saved(picture, kind)
    half = content[: len(content) * 2 // 3]
    with pytest.raises(MediaError, match="early"):
        list(views(half, DecodeLimits()))
    lenient = DecodeLimits(read_truncated=True)
    if kind == "WEBP":  # all of it or nothing
        with pytest.raises(MediaError):
            list(views(half, lenient))
        return
    (view,) = views(half, lenient)
    assert view.truncated
    assert np.asarray(view.image)[:50].mean() > 240
    assert not next(views(content, lenient)).truncated


def test_a_post_with_a_truncated_image_is_never_allowed() -> None:
    picture = saved(Image.effect_noise((200, 150), 90).convert("RGB"), "JPEG")
    decoder = a_decoder(FakeImageEncoder(), read_truncated=True)
    rules = compiled(a_rule(violates=["white"]))
    verdict = screen_one(a_post("1", None, picture[:-2000]), a_screener(rules, decoder=decoder))
    assert verdict.action != "allow"
    assert [(report.code, report.media) for report in verdict.modalities if report.code] == [
        ("image_truncated", "0")
    ]


def test_a_harmful_film_is_not_diluted_by_a_harmless_one_of_the_same_name() -> None:
    films = [animation("PNG", colours) for colours in (["white", "#fefefe"], ["blue", "#0000fe"])]
    screener = a_screener(
        compiled(a_rule(violates=["white"])), limits=replace(LIMITS, smooth_frames=True)
    )

    def score(*names: str) -> float:
        media = tuple(Media(id=name, data=film) for name, film in zip(names, films, strict=True))
        post = LoadedPost(Post(id="1", media=media), tuple(films))
        return screen_one(post, screener).rules[0].score

    assert score("clip", "clip") == score("clip", "other")


def inverting_profile() -> bytes:
    """An sRGB profile whose curves run backwards: bright is shown dark and dark bright."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = profile.index(b"para")
    curve = b"curv\0\0\0\0\0\0\0\2" + b"\xff\xff\0\0"
    profile[at : at + len(curve)] = curve
    return bytes(profile)


def test_a_picture_that_only_its_profile_shows_is_seen() -> None:
    content = saved(Image.new("RGB", (16, 16), "white"), "PNG", icc_profile=inverting_profile())
    stored, shown = views(content, DecodeLimits())
    assert np.asarray(stored.image).min() == 255
    assert np.asarray(shown.image).max() < 30


def inverting_gray_profile() -> bytes:
    """A profile for gray pictures whose one curve runs backwards, put together by hand."""

    def tag(kind: bytes, *words: int) -> bytes:
        return kind + bytes(4) + b"".join(word.to_bytes(4) for word in words)

    white = tag(b"XYZ ", 0xF6D6, 0x10000, 0xD32D)
    curve = b"curv" + bytes(4) + (2).to_bytes(4) + b"\xff\xff\x00\x00"
    start = 128 + 4 + 2 * 12
    table = (2).to_bytes(4)
    for name, at, size in ((b"wtpt", start, 20), (b"kTRC", start + 20, 16)):
        table += name + at.to_bytes(4) + size.to_bytes(4)
    body = table + white + curve
    head = (128 + len(body)).to_bytes(4) + bytes(4) + b"\x02\x40\x00\x00mntrGRAYXYZ "
    illuminant = b"".join(word.to_bytes(4) for word in (0xF6D6, 0x10000, 0xD32D))
    return (head + bytes(12) + b"acsp" + bytes(28) + illuminant).ljust(128, b"\0") + body


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_gray_picture_that_only_its_profile_shows_is_seen(kind: str) -> None:
    content = saved(Image.new("L", (16, 16), 255), kind, icc_profile=inverting_gray_profile())
    stored, shown = views(content, DecodeLimits())
    assert np.asarray(stored.image).min() == 255
    assert np.asarray(shown.image).max() < 30


@pytest.mark.parametrize(
    "profile",
    [
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        b"junk",
        b"\0" * 5000,
    ],
)
def test_an_ordinary_or_broken_profile_costs_nothing(profile: bytes) -> None:
    content = saved(Image.new("RGB", (16, 16), "red"), "PNG", icc_profile=profile)
    assert len(list(views(content, DecodeLimits()))) == 1


def with_gamma(image: Image.Image, gamma: float) -> bytes:
    """A PNG with the chunk `gAMA`, which Pillow does not write."""
    content = saved(image, "PNG")
    chunk = b"gAMA" + round(gamma * 100_000).to_bytes(4)
    return content[:33] + (4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + content[33:]


@pytest.mark.parametrize(("gamma", "stored", "shown"), [(0.02, 240, 64), (10, 16, 225)])
def test_a_picture_that_only_its_gamma_shows_is_seen(gamma: float, stored: int, shown: int) -> None:
    content = with_gamma(Image.new("RGB", (16, 16), (stored,) * 3), gamma)
    found = [view.image.getpixel((0, 0)) for view in views(content, DecodeLimits())]
    assert found == [(stored,) * 3, (shown,) * 3]


@pytest.mark.parametrize("gamma", [0.45455, 0.55, 0.0, 21_474.0])
def test_an_ordinary_or_broken_gamma_costs_nothing(gamma: float) -> None:
    content = with_gamma(Image.new("RGB", (16, 16), "red"), gamma)
    assert len(list(views(content, DecodeLimits()))) == 1


def test_a_profile_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    content = saved(Image.new("RGB", (16, 16), "red"), "PNG")
    bomb = b"icc\0\0" + zlib.compress(bytes(2**26), 9)
    chunk = b"iCCP" + bomb
    whole = len(bomb).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    with pytest.raises(MediaError):
        decode(content[:33] + whole + content[33:], DecodeLimits())


@pytest.mark.parametrize(
    ("first", "second"), [("GIF", b"PK\3\4 a zip"), ("JPEG", b"%PDF-1.7"), ("PNG", b"<script>")]
)
def test_what_follows_a_picture_in_its_file_changes_nothing(first: str, second: bytes) -> None:
    content = saved(Image.new("RGB", (16, 16), "red"), first)
    plain, polyglot = decode(content, DecodeLimits()), decode(content + second, DecodeLimits())
    assert np.array_equal(np.asarray(plain), np.asarray(polyglot))


@pytest.mark.parametrize("before", [b"%PDF-1.7\n", b"PK\3\4", b"<svg/>", b"\0"])
def test_a_picture_that_does_not_begin_its_file_is_none(before: bytes) -> None:
    with pytest.raises(MediaError):
        decode(before + saved(Image.new("RGB", (16, 16)), "JPEG"), DecodeLimits())
