"""What comes back from a process that may be in a stranger's hands."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import moderator.media
from moderator.errors import MediaError
from moderator.media.prepare import Look, Prepared
from moderator.media.wire import decode_reply, encode_reply, receive, send
from moderator.ocr.base import Unread, Writing, Written


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_pixels_come_back_as_they_were() -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    sent = Prepared([Look(pixels), Look(pixels + 1, 2.5)], 1234, truncated=True)
    got = decode_reply(encode_reply(sent))
    assert (got.decoded_pixels, got.truncated) == (1234, True)
    assert [look.seconds for look in got.looks] == [None, 2.5]
    for mine, theirs in zip(sent.looks, got.looks, strict=True):
        assert np.array_equal(mine.pixels, theirs.pixels)


def test_what_was_written_comes_back_as_it_was() -> None:
    unread = Unread("ocr_too_slow", "not all text in it was read in 5 s")
    written = Written((Writing("red\nfire"), Writing("später", 1.5)), unread, took_seconds=0.25)
    sent = Prepared([Look(np.zeros((1, 1, 3), np.uint8))], 1, written=written)
    assert decode_reply(encode_reply(sent)).written == written


@pytest.mark.parametrize(
    "written",
    [
        [[["text", -1.0]], None, False, 0.1],
        [[["x" * (2**20 + 1), None]], None, False, 0.1],
        [[], ["made_up", "why", False], False, 0.1],
        [[], ["ocr_failed", "x" * 501, True], False, 0.1],
        [[], None, False, float("nan")],
        [[[7, None]], None, False, 0.1],
    ],
)
def test_what_nobody_writes_is_refused(written: list[Any]) -> None:
    look = [[1, 1, 3], b"abc", None]
    reply = {"type": "done", "looks": [look], "decoded_pixels": 1, "truncated": False}
    with pytest.raises(ValueError, match="written"):
        decode_reply(msgspec.msgpack.encode(reply | {"written": written}))


def test_an_error_comes_back_with_its_code() -> None:
    with pytest.raises(MediaError, match="too large") as caught:
        decode_reply(encode_reply(MediaError("image_too_large", "too large")))
    assert caught.value.code == "image_too_large"


@given(st.binary(max_size=100))
def test_nothing_else_is_believed(reply: bytes) -> None:
    with pytest.raises((ValueError, MediaError)):
        decode_reply(reply)


@pytest.mark.parametrize("shape", [(4, 4, 4), (-1, 4, 3), (10**9, 10**9, 3)])
def test_pixels_that_do_not_fit_their_shape_are_not_believed(shape: tuple[int, ...]) -> None:
    said = {"type": "done", "looks": [[shape, bytes(48), None]], "decoded_pixels": 1}
    with pytest.raises(ValueError, match=r".+"):
        decode_reply(msgspec.msgpack.encode(said | {"truncated": False}))


@pytest.mark.parametrize(
    "said",
    [
        {"type": "failed", "code": "image corrupt", "message": "m"},
        {"type": "failed", "code": "", "message": "m"},
        {"type": "failed", "code": "a" * 41, "message": "m"},
        {"type": "failed", "code": "image_corrupt", "message": "m" * 501},
        {"type": "done", "looks": [], "decoded_pixels": 1, "truncated": False},
        {"type": "done", "looks": [[[4, 4, 3], bytes(48), None]], "decoded_pixels": -1}
        | {"truncated": False},
        {"type": "done", "looks": [[[4, 4, 3], bytes(48), float("nan")]], "decoded_pixels": 1}
        | {"truncated": False},
    ],
)
def test_a_reply_is_bounded_in_all_its_parts(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_reply(msgspec.msgpack.encode(said))


def test_every_code_that_decoding_raises_comes_back() -> None:
    decoding = ("child", "decode", "formats", "prepare", "profile", "tiles", "video", "views")
    sources = [Path(moderator.media.__path__[0], f"{name}.py").read_text() for name in decoding]
    codes = set(re.findall(r'MediaError\(\s*"([a-z_]+)"', "".join(sources)))
    assert "image_too_long" in codes
    for code in codes:
        with pytest.raises(MediaError) as caught:
            decode_reply(encode_reply(MediaError(code, "said")))
        assert caught.value.code == code


def test_a_long_error_is_cut_to_what_is_believed() -> None:
    with pytest.raises(MediaError, match=r"^mm+$") as caught:
        decode_reply(encode_reply(MediaError("image_corrupt", "m" * 5000)))
    assert len(str(caught.value)) == 500


def test_a_message_of_megabytes_arrives_whole(pair: tuple[socket.socket, socket.socket]) -> None:
    content = bytes(range(256)) * 20_000
    sender = threading.Thread(target=send, args=(pair[0], content))
    sender.start()
    assert receive(pair[1], seconds=5) == content
    sender.join()


def test_a_message_is_not_waited_for_beyond_its_time_nor_read_beyond_its_size(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    pair[0].sendall(bytes(4))
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        receive(pair[1], seconds=0.1)
    assert time.monotonic() - began < 1
    pair[0].sendall(bytes(3) + b"\xff" + b"\xff" * 8)
    with pytest.raises(ValueError, match="a message of"):
        receive(pair[1], max_bytes=100)


def test_a_sender_that_is_gone_is_noticed(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].close()
    with pytest.raises(EOFError):
        receive(pair[1])
