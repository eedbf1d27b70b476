import io

import pytest
from PIL import Image

from moderator.errors import MediaError
from moderator.media.formats import gif_frames, jpeg_scans, sniff


def saved(frames: int = 1, **options: object) -> bytes:
    pictures = [Image.new("P", (40, 30), colour) for colour in range(frames)]
    for colour, picture in enumerate(pictures):
        picture.putpalette([colour, 0, 0] * 256)
    file = io.BytesIO()
    first = pictures[0] if options["format"] == "GIF" else pictures[0].convert("RGB")
    more = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    first.save(file, **(more | options))  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WebP", "AVIF", "BMP"])
def test_accepted_formats_are_told_by_their_bytes(name: str) -> None:
    assert sniff(saved(format=name)) == name


@pytest.mark.parametrize(
    ("content", "code", "seen"),
    [
        (b"", "media_empty", "no bytes"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "format_refused", "SVG"),
        (b"\xef\xbb\xbf <?xml version='1.0'?><!-- x --><svg/>", "format_refused", "SVG"),
        (b"<!DOCTYPE svg><SVG/>", "format_refused", "SVG"),
        (b"II*\0" + bytes(20), "format_refused", "TIFF"),
        (b"MM\0*" + bytes(20), "format_refused", "TIFF"),
        (b"%PDF-1.7", "format_refused", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "format_refused", "PostScript"),
        (b"\xc5\xd0\xd3\xc6", "format_refused", "EPS"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "format_refused", "heic"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "format_refused", "mp42"),
        (b"RIFF\0\0\0\0AVI LIST", "format_refused", "RIFF other than WebP"),
        (b"PK\x03\x04", "format_refused", "ZIP"),
        (b"<!doctype html><html></html>", "not_an_image", "HTML"),
        (b"this is not an image\n", "not_an_image", "plain text"),
        (b"BM is how this text begins, and it is long enough", "not_an_image", "plain text"),
        ("über".encode() * 300, "not_an_image", "plain text"),
        (b"\x00\x01\x02\x03", "not_an_image", "00 01 02 03"),
        (b"\xff\xfe" * 20, "not_an_image", "ff fe"),
    ],
)
def test_everything_else_is_refused_by_name(content: bytes, code: str, seen: str) -> None:
    with pytest.raises(MediaError, match=seen) as caught:
        sniff(content)
    assert caught.value.code == code


def test_an_image_behind_the_brand_of_a_container_is_found_among_the_compatible_ones() -> None:
    assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") == "AVIF"


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_frames_of_a_gif_are_counted_without_decoding(frames: int) -> None:
    assert gif_frames(saved(frames, format="GIF"), stop_after=100) == frames


def test_counting_frames_stops_soon_after_the_limit() -> None:
    endless = b"GIF89a" + bytes(7) + (b"," + bytes(9) + b"\x02\x01\x00\x00") * 100_000
    assert gif_frames(endless, stop_after=10) == 11
    assert gif_frames(endless[:-7], stop_after=1_000_000) == 100_000


def test_scans_of_a_jpeg_are_counted_without_decoding() -> None:
    assert jpeg_scans(saved(format="JPEG"), stop_after=100) == 1
    progressive = saved(format="JPEG", progressive=True)
    assert jpeg_scans(progressive, stop_after=100) > 5
    assert jpeg_scans(progressive, stop_after=2) == 3


def test_scans_are_not_hidden_by_what_a_segment_holds() -> None:
    comment = b"\xff\xfe\x00\x04\xff\xd9"
    scan = b"\xff\xda\x00\x02picture\xff\x00data\xff\xd0more"
    assert jpeg_scans(b"\xff\xd8" + (comment + scan) * 5 + b"\xff\xd9" + scan, 100) == 5


@pytest.mark.parametrize("content", [b"GIF89a", b"\xff\xd8\xff", b"\xff\xd8\xff\xfe\x00"])
def test_counting_what_is_cut_short_ends(content: bytes) -> None:
    assert gif_frames(content, 10) == jpeg_scans(content, 10) == 0
