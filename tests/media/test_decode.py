import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from moderator.errors import MediaError
from moderator.media.decode import DecodeLimits, decode

LIMITS = DecodeLimits()
FORMATS = ["JPEG", "PNG", "GIF", "WebP", "AVIF", "BMP"]


def picture(size: tuple[int, int] = (48, 32)) -> Image.Image:
    """A smooth picture that shows which way is up."""
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=-1).astype(np.uint8))


def saved(image: Image.Image, name: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def pixels(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    return np.asarray(image).astype(np.int16)  # (height, width, 3)


def refused(content: bytes, limits: DecodeLimits = LIMITS) -> str:
    with pytest.raises(MediaError) as caught:
        decode(content, limits)
    return caught.value.code


def png(width: int, height: int, data: bytes = b"", colour_type: int = 2) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("name", FORMATS)
def test_every_accepted_format_comes_out_as_rgb(name: str) -> None:
    image = decode(saved(picture(), name), LIMITS)
    assert (image.mode, image.size, image.info) == ("RGB", (48, 32), {})
    assert np.abs(pixels(image) - pixels(picture())).mean() < 25  # GIF has few colours


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP", "AVIF"])
def test_pictures_are_turned_upright(name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(picture(), name, exif=exif.tobytes())
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    image = decode(content, LIMITS)
    assert image.size == ((48, 32) if orientation < 5 else (32, 48))
    assert np.array_equal(pixels(image), pixels(expected))


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x09\x7f\xff\xff\xff\0\0\0\0",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x02six\0\0\0\0\0",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x02\0\6\0\6\x01\x12\0\x05\0\0\0\1\0",
    ],
)
def test_a_broken_exif_costs_the_turn_and_not_the_picture(exif: bytes) -> None:
    assert decode(saved(picture(), "JPEG", exif=exif), LIMITS).size in {(48, 32), (32, 48)}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_of_png_follows_the_reference_route(mode: str) -> None:
    content = saved(picture().convert(mode), "PNG")
    expected = Image.open(io.BytesIO(content)).convert("RGB")
    assert np.array_equal(pixels(decode(content, LIMITS)), pixels(expected))


@pytest.mark.parametrize("orientation", [1, 6])
def test_of_16_bit_gray_the_high_byte_is_seen_so_that_no_picture_hides_in_white(
    orientation: int,
) -> None:
    ramp = np.linspace(0, 65535, 48 * 32).reshape(32, 48).astype(np.uint16)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(saved(Image.fromarray(ramp), "PNG", exif=exif.tobytes()), LIMITS)
    expected = (ramp >> 8) if orientation == 1 else np.rot90(ramp >> 8, -1)
    assert image.mode == "RGB"
    for colour in range(3):
        assert np.array_equal(np.asarray(image)[..., colour], expected)


def test_cmyk_follows_the_reference_route() -> None:
    content = saved(picture().convert("CMYK"), "JPEG", quality=95)
    assert np.abs(pixels(decode(content, LIMITS)) - pixels(picture())).mean() < 3


def test_alpha_is_dropped_and_hidden_colours_show() -> None:
    hidden = picture().convert("RGBA")
    hidden.putalpha(0)
    assert np.array_equal(pixels(decode(saved(hidden, "PNG"), LIMITS)), pixels(picture()))


@pytest.mark.parametrize("transparency", [3, bytes(range(256))])
def test_transparency_of_a_palette_is_dropped_without_a_warning(transparency: int | bytes) -> None:
    image = picture().convert("P", palette=Image.Palette.ADAPTIVE)
    content = saved(image, "PNG", transparency=transparency)
    assert np.array_equal(pixels(decode(content, LIMITS)), pixels(image.convert("RGB")))


@pytest.mark.parametrize("name", ["GIF", "WebP", "PNG"])
def test_of_an_animation_the_first_frame_is_seen(name: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "lime", "blue")]
    options = {"save_all": True, "append_images": frames[1:]} | (
        {"lossless": True} if name == "WebP" else {}
    )
    content = saved(frames[0], name, **options)
    assert np.abs(pixels(decode(content, LIMITS)) - pixels(frames[0])).max() < 4
    assert refused(content, DecodeLimits(max_frames=2)) == "image_too_large"


def test_a_jpeg_is_decoded_small_when_it_is_wanted_small() -> None:
    content = saved(picture((1200, 800)), "JPEG", quality=95)
    whole, small = decode(content, LIMITS), decode(content, LIMITS, target_pixels=100)
    assert (whole.size, small.size) == ((1200, 800), (300, 200))
    wanted = (150, 100)
    difference = pixels(small.resize(wanted)) - pixels(whole.resize(wanted))
    assert np.abs(difference).mean() < 1
    assert decode(content, LIMITS, target_pixels=500).size == (1200, 800)
    assert decode(saved(picture(), "PNG"), LIMITS, target_pixels=4).size == (48, 32)


@pytest.mark.parametrize("name", FORMATS)
def test_pixels_and_sides_are_limited(name: str) -> None:
    content = saved(picture(), name)
    assert refused(content, DecodeLimits(max_pixels=48 * 32 - 1)) == "image_too_large"
    assert refused(content, DecodeLimits(max_side_pixels=47)) == "image_too_large"
    exactly = DecodeLimits(max_pixels=48 * 32, max_side_pixels=48)
    assert decode(content, exactly).size == (48, 32)


@pytest.mark.parametrize("pillow_limit", [None, 1, 10**9])
def test_limits_do_not_depend_on_what_others_set_in_pillow(
    monkeypatch: pytest.MonkeyPatch, pillow_limit: int | None
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillow_limit)
    assert refused(png(60_000, 60_000), DecodeLimits(max_side_pixels=10**6)) == "image_too_large"
    assert decode(saved(picture(), "JPEG"), LIMITS).size == (48, 32)


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    content = saved(picture(), "JPEG", progressive=True)
    assert refused(content, DecodeLimits(max_scans=3)) == "image_too_large"


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WebP", "AVIF", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_half_a_file_is_refused(name: str, share: float) -> None:
    content = saved(picture((200, 150)), name)
    assert refused(content[: int(len(content) * share)]) in {"image_truncated", "image_corrupt"}


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WebP", "BMP"])
def test_a_file_cut_short_is_called_truncated(name: str) -> None:
    content = saved(picture((200, 150)), name)
    assert refused(content[: len(content) * 2 // 3]) == "image_truncated"


@pytest.mark.parametrize("tail", [b"PK\3\4", b"<html><script>", b"%PDF-1.7", b"GIF89a", b"<svg>"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_two_things_is_read_as_what_it_begins_as(name: str, tail: bytes) -> None:
    content = saved(picture(), name)
    assert (
        pixels(decode(content + tail * 9, LIMITS)).tolist()
        == pixels(decode(content, LIMITS)).tolist()
    )
    assert refused(tail[:5] + b" " * 40 + content) in {
        "format_refused",
        "not_an_image",
        "image_corrupt",
    }


def test_threads_leave_the_warning_filters_alone() -> None:
    content = saved(picture(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    decode(content, LIMITS)
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: decode(content, LIMITS), range(40)))
    assert warnings.filters == before


def test_the_shared_images_have_the_pixels_of_the_reference_route(shared: Path) -> None:
    paths = [path for path in sorted((shared / "fixtures/images").iterdir()) if path.is_file()]
    assert len(paths) == 22
    for path in paths:
        if path.name == "gray16.png":  # scaled on purpose, where the reference clips it to white
            continue
        with Image.open(path) as original, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = ImageOps.exif_transpose(original).convert("RGB")
        image = decode(path.read_bytes(), LIMITS)
        assert np.array_equal(pixels(image), pixels(expected)), path.name


def test_the_one_exact_golden_image_is_exact(shared: Path) -> None:
    with np.load(shared / "fixtures/golden/tiny-clip.npz") as golden:
        image = decode((shared / "fixtures/images/exact.png").read_bytes(), LIMITS)
        assert np.array_equal(np.asarray(image), golden["u8/exact.png"])


def test_the_shared_bad_images_are_refused_each_for_its_reason(shared: Path) -> None:
    codes = {
        path.name: refused(path.read_bytes()) for path in (shared / "fixtures/images/bad").iterdir()
    }
    assert codes == {
        "bomb_30000x30000.png": "image_too_large",
        "empty.jpg": "media_empty",
        "garbage.png": "image_corrupt",
        "svg.png": "format_refused",
        "text.jpg": "not_an_image",
        "truncated.jpg": "image_truncated",
    }


def outcome(content: bytes) -> str:
    """The mode of the picture, or the code of the refusal; any other error gets out."""
    try:
        return decode(content, DecodeLimits(max_pixels=1_000_000), target_pixels=8).mode
    except MediaError as err:
        return err.code


OUTCOMES = {"RGB", "media_empty", "not_an_image", "format_refused"}
OUTCOMES |= {"image_too_large", "image_truncated", "image_corrupt"}
MAGIC = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\x20\0\0\0WEBPVP8 ", b"BM"]
MAGIC += [b"\0\0\0\x14ftypavif\0\0\0\0avif", b"<svg", b""]
SEEDS = [saved(picture(), name) for name in FORMATS]
SEEDS += [saved(picture(), "JPEG", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x00")]
SEEDS += [saved(picture().convert("RGBA"), "WebP", lossless=True)]
CHANGES = st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=6)), min_size=1, max_size=5)


def altered(content: bytes, changes: list[tuple[float, bytes]]) -> bytes:
    """Write each replacement over what stands at its share of the file."""
    changed = bytearray(content)
    for share, replacement in changes:
        at = int(share * len(changed))
        changed[at : at + len(replacement)] = replacement
    return bytes(changed)


@given(st.sampled_from(MAGIC), st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_raise_anything_else(magic: bytes, rest: bytes) -> None:
    assert outcome(magic + rest) in OUTCOMES


@given(st.sampled_from(SEEDS), CHANGES)
@settings(max_examples=300, deadline=None)
def test_no_change_to_a_picture_raises_anything_else(
    content: bytes, changes: list[tuple[float, bytes]]
) -> None:
    assert outcome(altered(content, changes)) in OUTCOMES


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_no_change_to_a_shared_image_raises_anything_else(
    shared: Path, data: st.DataObject
) -> None:
    paths = sorted((shared / "fixtures/images").glob("*.*"))
    content = data.draw(st.sampled_from(paths), label="path").read_bytes()[:200_000]
    assert outcome(altered(content, data.draw(CHANGES, label="changes"))) in OUTCOMES
