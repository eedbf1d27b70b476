"""What is fuzzed: how each part is fed, and what it may answer. Anything else is a find."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import av
from PIL import Image

from moderator.disguises import undisguised
from moderator.encoders.fake import FakeImageEncoder
from moderator.errors import MediaError, PostError
from moderator.media.decode import DecodeLimits
from moderator.media.prepare import preparation_for
from moderator.media.urls import HttpUrl
from moderator.plain_text import plain
from moderator.policy.yaml.document import parse
from moderator.policy.yaml.nodes import DocumentError
from moderator.posts import decode_post

_LIMITS = DecodeLimits(max_pixels=250_000, max_side_pixels=2_000, max_frames=50)
_prepare = preparation_for(FakeImageEncoder(), _LIMITS)


def media(content: bytes) -> None:
    """Images and videos: pixels, or a MediaError."""
    try:
        prepared = _prepare(content)
    except MediaError as error:
        assert error.code in _MEDIA_CODES, error.code
        return
    assert prepared.looks
    assert all(look.pixels.shape == (8, 8, 3) for look in prepared.looks)


def yaml(content: bytes) -> None:
    """The YAML of policies: nodes, or a DocumentError."""
    try:
        parse(content.decode("utf-8", "replace"))
    except DocumentError as error:
        assert error.message


def post(content: bytes) -> None:
    """Messages: a post, or a PostError."""
    try:
        decoded = decode_post(content, max_bytes=2**20, max_meta_bytes=2**16)
    except PostError:
        return
    assert decoded.id
    assert len(decoded.digest) == 32


def text(content: bytes) -> None:
    """Texts: both readings, and a reading of a reading that is the same."""
    written = content.decode("utf-8", "replace")
    assert plain(plain(written)) == plain(written)
    assert undisguised(written) != plain(written)


def url(content: bytes) -> None:
    """Media URLs: taken apart, or refused, without their query in the message."""
    written = content.decode("utf-8", "replace")
    try:
        parsed = HttpUrl.parse(written)
    except MediaError as error:
        assert error.code == "url_refused"
        return
    assert parsed.scheme in ("http", "https")
    assert "@" not in parsed.authority
    assert "\r" not in parsed.target
    assert "\n" not in parsed.target


_MEDIA_CODES = frozenset(
    {"media_empty", "not_an_image", "format_refused", "image_too_large", "image_too_long"}
    | {"image_truncated", "image_corrupt", "video_corrupt"}
)


@dataclass(frozen=True)
class Target:
    """A function to feed, and small inputs of our own to begin with."""

    feed: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    max_bytes: int = 4096


def _pictures() -> list[bytes]:
    frames = [Image.new("RGB", (24, 16), colour) for colour in ("red", "lime", "blue")]
    found = [
        _saved(image, kind)
        for kind in ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP")
        for image in (frames[0], frames[0].convert("L"), Image.effect_noise((24, 16), 50))
    ]
    found += [
        _saved(frames[0], kind, save_all=True, append_images=frames[1:])
        for kind in ("GIF", "WEBP", "PNG", "AVIF")
    ]
    found.append(_saved(frames[0], "JPEG", progressive=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"))
    found.append(_saved(Image.new("RGBA", (24, 16), (255, 0, 0, 99)), "PNG"))
    return [*found, _film("mp4", "mpeg4"), _film("webm", "vp8")]


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _film(container: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=5)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame(32, 16, "yuv420p")))
        output.mux(stream.encode(None))
    return file.getvalue()


def _documents() -> list[bytes]:
    return [
        b"policy: a\nversion: 1\nrules:\n  - id: x\n    violates: [a, 'b', \"c\\n\"]\n",
        b"a: &x {b: 1, c: [~, true, 0x1f, 1e3]}\nd: *x\ne: {<<: *x, f: |\n  text\n  more}\n",
        b"a: >-\n  folded\n\n  text\n? complex\n: value\n--- \n...\n",
        b"%YAML 1.2\n%TAG ! tag:x,2000:\n---\n!!str a: !x b\n",
    ]


def _posts() -> list[bytes]:
    return [
        b'{"id":"1","text":"hi","media":[{"type":"image/png","data":"aGk="}],"meta":{"a":[1]}}',
        b'{"id":"2","media":[{"url":"https://a.example/b?c"}],"created_at":"2026-01-01T00:00:00Z"}',
    ]


def _texts() -> list[bytes]:
    return [
        b"s c a m k1ll $cam",
        "ѕсаm \u202emacs\u202c s\u0336c\u200b 🆂🇸 ｓ".encode(),  # noqa: RUF001 - the tricks
    ]


def _urls() -> list[bytes]:
    return [
        b"https://a.example:443/b/../c?d=e#f",
        b"http://[::ffff:1.2.3.4]:80/%2e",
        b"http://0x7f.1/",
    ]


TARGETS = {
    "media": Target(media, _pictures, 8192),
    "yaml": Target(yaml, _documents),
    "post": Target(post, _posts),
    "text": Target(text, _texts, 512),
    "url": Target(url, _urls, 512),
}
