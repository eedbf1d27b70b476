"""What the worker and its decoder processes say to each other, over a socket of their own.

The way there is our own and may be pickled. The way back comes from a process that may be in a
stranger's hands by then: plain data, checked, each part of bounded size.
"""

import socket
import time
from typing import Annotated, Final, Literal

import msgspec
import numpy as np

from moderator.encoders.base import Pixels
from moderator.errors import MediaError
from moderator.media.prepare import Look, Prepared
from moderator.ocr.base import Unread, UnreadCode, Writing, Written

_LENGTH_BYTES: Final = 8
_CHUNK_BYTES: Final = 2**20
MAX_REPLY_BYTES: Final = 2**28
_MESSAGE_CHARACTERS: Final = 500
_WRITTEN_CHARACTERS: Final = 2**20

_Side = Annotated[int, msgspec.Meta(ge=1)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
#: What decoding raises. Codes become labels of metrics, so nobody else may make some up.
_Code = Literal[
    "format_refused",
    "image_corrupt",
    "image_too_large",
    "image_too_long",
    "image_truncated",
    "internal_error",
    "media_empty",
    "not_an_image",
    "video_corrupt",
    "video_unsupported",
]


class _Look(msgspec.Struct, frozen=True, array_like=True):
    shape: tuple[_Side, _Side, _Side]
    pixels: bytes
    seconds: _Seconds | None


class _Written(msgspec.Struct, frozen=True, array_like=True):
    writings: list[
        tuple[Annotated[str, msgspec.Meta(max_length=_WRITTEN_CHARACTERS)], _Seconds | None]
    ]
    unread: (
        tuple[UnreadCode, Annotated[str, msgspec.Meta(max_length=_MESSAGE_CHARACTERS)], bool] | None
    )
    spared: bool
    took_seconds: _Seconds


class _Done(msgspec.Struct, frozen=True, tag="done"):
    looks: Annotated[list[_Look], msgspec.Meta(min_length=1)]
    decoded_pixels: Annotated[int, msgspec.Meta(ge=0)]
    truncated: bool
    written: _Written | None = None


class _Failed(msgspec.Struct, frozen=True, tag="failed"):
    code: _Code
    message: Annotated[str, msgspec.Meta(max_length=_MESSAGE_CHARACTERS)]


_encode = msgspec.msgpack.encode
_decoder = msgspec.msgpack.Decoder(_Done | _Failed)


def encode_reply(outcome: Prepared | MediaError) -> bytes:
    """A reply, as the decoder process sends it."""
    if isinstance(outcome, MediaError):
        message = str(outcome)[:_MESSAGE_CHARACTERS]
        return _encode({"type": "failed", "code": outcome.code, "message": message})
    looks = [
        _Look(look.pixels.shape, look.pixels.tobytes(), look.seconds) for look in outcome.looks
    ]
    return _encode(_Done(looks, outcome.decoded_pixels, outcome.truncated, _told(outcome.written)))


def decode_reply(reply: bytes) -> Prepared:
    """Raises the MediaError that was sent, and ValueError for what no decoder sends."""
    message = _decoder.decode(reply)  # msgspec.ValidationError is a ValueError
    if isinstance(message, _Failed):
        raise MediaError(message.code, message.message)
    looks = [Look(_pixels(look), look.seconds) for look in message.looks]
    return Prepared(looks, message.decoded_pixels, message.truncated, _said(message.written))


def _told(written: Written | None) -> _Written | None:
    return None if written is None else _Written(list(written.writings), *written[1:])


def _said(written: _Written | None) -> Written | None:
    if written is None:
        return None
    return Written(
        tuple(Writing(*each) for each in written.writings),
        None if written.unread is None else Unread(*written.unread),
        written.spared,
        written.took_seconds,
    )


def _pixels(look: _Look) -> Pixels:
    return np.frombuffer(look.pixels, np.uint8).reshape(look.shape)


def send(to: socket.socket, message: bytes) -> None:
    """Raises OSError, also for a time-out of the socket."""
    to.sendall(len(message).to_bytes(_LENGTH_BYTES, "big"))
    to.sendall(message)


def receive(
    source: socket.socket, max_bytes: int = MAX_REPLY_BYTES, seconds: float | None = None
) -> bytes:
    """One message, waited for `seconds` in all.

    Raises EOFError when the other side is gone, TimeoutError, and ValueError for too many bytes.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    length = int.from_bytes(_exactly(source, _LENGTH_BYTES, deadline), "big")
    if length > max_bytes:
        raise ValueError(f"a message of {length:,} bytes")
    return bytes(_exactly(source, length, deadline))


def _exactly(source: socket.socket, count: int, deadline: float | None) -> bytearray:
    read = bytearray()
    while len(read) < count:
        if deadline is not None:
            source.settimeout(max(0.001, deadline - time.monotonic()))
        some = source.recv(min(count - len(read), _CHUNK_BYTES))
        if not some:
            raise EOFError
        read += some
    return read
