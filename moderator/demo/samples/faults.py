"""Broken and odd messages, such as every public service meets."""

import base64
import json
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from moderator.demo.samples.pictures import draw_picture
from moderator.demo.samples.uploads import Upload, upload


class Fault(NamedTuple):
    """One way to be broken, and how to make a message of it: (id, rng) to bytes."""

    what: str
    make: Callable[[str, random.Random], bytes]
    is_post: bool  # it decodes as a post; what is wrong with it is found later


def as_json(post: dict[str, Any]) -> bytes:
    """A post as producers send it."""
    return json.dumps(post, ensure_ascii=False, separators=(",", ":")).encode()


def attachment(made: Upload) -> dict[str, str]:
    """An attachment that travels within the post."""
    return {"type": made.type, "data": base64.b64encode(made.content).decode()}


def _truncated_json(post_id: str, _: random.Random) -> bytes:
    whole = as_json(
        {"id": post_id, "text": "The connection broke off in the middle of", "lang": "en"}
    )
    return whole[:-24]


def _wrong_types(post_id: str, _: random.Random) -> bytes:
    return as_json({"id": post_id, "text": ["a", "list"], "media": "none"})


def _no_id(_: str, __: random.Random) -> bytes:
    return as_json({"text": "Somebody forgot to give me an id.", "surface": "feed"})


def _not_utf8(post_id: str, _: random.Random) -> bytes:
    return as_json({"id": post_id, "text": "Grüße aus dem schönen Köln"}).decode().encode("latin-1")


def _no_image(post_id: str, _: random.Random) -> bytes:
    page = Upload(b"<html><body>404 Not Found</body></html>", "image/jpeg")
    return _with_media(post_id, "Look at this photo!", attachment(page))


def _truncated_png(post_id: str, rng: random.Random) -> bytes:
    whole = _png_file(160, 120, rng.randbytes(160 * 120 * 3), rows=120)
    return _with_media(
        post_id, "Upload stopped half way", attachment(_png(whole[: len(whole) // 2]))
    )


def _bomb(post_id: str, _: random.Random) -> bytes:
    """A tiny file that says it has 2.5 billion pixels."""
    tiny = _png_file(50_000, 50_000, b"", rows=0)
    return _with_media(post_id, "Please unpack me", attachment(_png(tiny)))


def _oversized_text(post_id: str, rng: random.Random) -> bytes:
    words = ("bread", "river", "window", "carefully", "morning", "and", "the", "walks", "home")
    text = " ".join(rng.choices(words, k=4_000))
    return as_json({"id": post_id, "text": text, "surface": "comment", "lang": "en"})


def _many_attachments(post_id: str, rng: random.Random) -> bytes:
    small = draw_picture("gradient", rng).resize((48, 36))
    media = [attachment(upload(small, rng)) for _ in range(30)]
    return as_json({"id": post_id, "text": "All my colours", "media": media, "surface": "feed"})


def _video(post_id: str, _: random.Random) -> bytes:
    head = Upload(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video/mp4")
    return _with_media(post_id, "Clip of our school play", attachment(head))


def _private_address(post_id: str, _: random.Random) -> bytes:
    """A link to an address that only the service's own network can reach."""
    url = "http://169.254.169.254/latest/meta-data/"
    return _with_media(post_id, "Photo is at this link", {"type": "image/png", "url": url})


def _unknown_surface(post_id: str, _: random.Random) -> bytes:
    return as_json({"id": post_id, "text": "Where am I?", "surface": "hologram", "lang": "en"})


def _with_media(post_id: str, text: str, *media: dict[str, str]) -> bytes:
    post = {"id": post_id, "text": text, "media": media, "surface": "feed", "lang": "en"}
    return as_json(post)


def _png(content: bytes) -> Upload:
    return Upload(content, "image/png")


def _png_file(width: int, height: int, pixels: bytes, rows: int) -> bytes:
    """A PNG by hand, so that its header may say what it likes (ISO/IEC 15948, section 5)."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = b"".join(b"\0" + pixels[row * width * 3 :][: width * 3] for row in range(rows))
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


FAULTS: Final = (
    Fault("truncated JSON", _truncated_json, is_post=False),
    Fault("decompression bomb", _bomb, is_post=True),
    Fault("not UTF-8", _not_utf8, is_post=False),
    Fault("attachment that is no image", _no_image, is_post=True),
    Fault("30 attachments", _many_attachments, is_post=True),
    Fault("wrong types", _wrong_types, is_post=False),
    Fault("truncated PNG", _truncated_png, is_post=True),
    Fault("video attachment", _video, is_post=True),
    Fault("oversized text", _oversized_text, is_post=True),
    Fault("link into a private network", _private_address, is_post=True),
    Fault("no id", _no_id, is_post=False),
    Fault("unknown surface", _unknown_surface, is_post=True),
)
