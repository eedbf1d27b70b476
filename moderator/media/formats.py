"""What a file is, told from its own bytes: never from its name, never from a declared type."""

import re
from typing import Final, Literal

from moderator.errors import MediaError

FormatName = Literal["JPEG", "PNG", "GIF", "WebP", "AVIF", "BMP"]
VideoFormat = Literal["MP4", "WebM"]

_ACCEPTED: Final[tuple[tuple[bytes, FormatName], ...]] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)
# Named only so that the message can say what was seen; anything unnamed is refused all the same.
_REFUSED: Final = (
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"8BPS", "Photoshop"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\x1a\x45\xdf\xa3", "WebM or Matroska video"),
    (b"RIFF", "RIFF other than WebP"),
    (b"PK\3\4", "ZIP"),
    (b"\x1f\x8b", "gzip"),
)
_BMP_HEADER_BYTES: Final = frozenset({12, 40, 52, 56, 64, 108, 124})
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_MATROSKA: Final = b"\x1a\x45\xdf\xa3"
# ISO base media files that are videos; ISO/IEC 14496-12 and the registry at mp4ra.org.
_VIDEO_BRANDS: Final = frozenset(
    {b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"dash"}
    | {b"M4VH", b"M4VP", b"msdh", b"mmp4", b"3gp4", b"3gp5", b"3gp6", b"qt  "}
)
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})

# A byte 0xFF in JPEG picture data is followed by 0 (stuffing) or D0-D7 (restart); else a marker.
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JPEG_TEM, _JPEG_SOI, _JPEG_EOI, _JPEG_SOS = 0x01, 0xD8, 0xD9, 0xDA


def sniff(content: bytes) -> FormatName:
    """Name the format of `content` by its magic bytes.

    Raises:
        MediaError: `media_empty`; `format_refused` for a known format that is not accepted;
            `not_an_image` for text and for anything unknown.
    """
    if not content:
        raise MediaError("media_empty", "the media has no bytes")
    for magic, name in _ACCEPTED:
        if content.startswith(magic):
            return name
    return _sniff_container(content)


def is_video(content: bytes) -> bool:
    """Whether `content` starts as a video does."""
    if content.startswith(_MATROSKA):
        return True
    return content[4:8] == b"ftyp" and content[8:12] in _VIDEO_BRANDS


def sniff_video(content: bytes) -> VideoFormat:
    """Name the container of a video."""
    return "WebM" if content.startswith(_MATROSKA) else "MP4"


def _sniff_container(content: bytes) -> FormatName:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:8] == b"ftyp":
        return _sniff_iso_media(content)
    if content[:2] == b"BM" and int.from_bytes(content[14:18], "little") in _BMP_HEADER_BYTES:
        return "BMP"
    raise _refusal(content)


def _sniff_iso_media(content: bytes) -> FormatName:
    box = content[: min(int.from_bytes(content[:4], "big"), 256)]
    # Bytes 12 to 16 are the minor version; the compatible brands follow it.
    brands = {box[8:12]} | {box[at : at + 4] for at in range(16, len(box), 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    brand = content[8:12].decode("ascii", "replace")
    raise _refused(f"ISO media of brand {brand!r} (HEIC, MP4 or alike)")


def _refusal(content: bytes) -> MediaError:
    for magic, name in _REFUSED:
        if content.startswith(magic):
            return _refused(name)
    text = _as_text(content[:1024])
    if text is None:
        return MediaError("not_an_image", f"no known format starts with {content[:8].hex(' ')}")
    start = text.lstrip("\ufeff \t\r\n").lower()
    if start.startswith("<svg") or (start.startswith(("<?xml", "<!")) and "<svg" in start):
        return _refused("SVG")
    return MediaError("not_an_image", "HTML" if "<html" in start else "plain text, no image")


def _refused(seen: str) -> MediaError:
    return MediaError(
        "format_refused", f"{seen} is not accepted; accepted are JPEG, PNG, GIF, WebP, AVIF and BMP"
    )


def _as_text(head: bytes) -> str | None:
    if _CONTROL.search(head):
        return None
    text = head.decode("utf-8", "ignore")  # a character may be cut at the end of the head
    return text if len(text) * 2 > len(head) else None


def gif_frames(content: bytes, stop_after: int) -> int:
    """Count the frames of a GIF from its block structure, giving up above `stop_after`.

    Pillow's `n_frames` parses every frame of a file without bound; this only skips over blocks.
    """
    frames, at = 0, 13 + _colour_table_bytes(content[10:11])
    while frames <= stop_after:
        introducer = content[at : at + 1]
        if introducer == b",":
            frames += 1
            at += 9 + _colour_table_bytes(content[at + 9 : at + 10])
        elif introducer != b"!":
            break
        at = _after_sub_blocks(content, at + 2)
    return frames


def _colour_table_bytes(flags: bytes) -> int:
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _after_sub_blocks(content: bytes, at: int) -> int:
    while at < len(content) and content[at]:
        at += 1 + content[at]
    return at + 1


def jpeg_scans(content: bytes, stop_after: int) -> int:
    """Count the scans of a JPEG, giving up above `stop_after`.

    A progressive JPEG may hold thousands of scans, and every one costs a pass over all pixels.
    """
    scans, at = 0, 2
    while scans <= stop_after and (marker := _JPEG_MARKER.search(content, at)):
        at, kind = marker.end(), content[marker.start() + 1]
        if kind == _JPEG_EOI:
            break
        if kind not in {_JPEG_TEM, _JPEG_SOI}:  # all others say how long they are
            at += int.from_bytes(content[at : at + 2], "big")
        scans += kind == _JPEG_SOS
    return scans
