import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderator.cache.wire import pack, unpack

VECTOR = np.arange(4, dtype=np.float32)
PACKED = pack(VECTOR)


def test_the_bytes_are_a_header_and_little_endian_float32() -> None:
    assert PACKED[:8] == b"MODV\x01\x01\x00\x00"
    assert PACKED[8:12] == (4).to_bytes(4, "little")
    assert PACKED[16:] == VECTOR.astype("<f4").tobytes()


def test_no_dimensions_are_still_a_vector() -> None:
    found = unpack(pack(np.zeros(0, np.float32)))
    assert found is not None
    assert found.shape == (0,)


@pytest.mark.parametrize("size", range(len(PACKED)))
def test_every_shorter_value_is_a_miss(size: int) -> None:
    assert unpack(PACKED[:size]) is None


@pytest.mark.parametrize("at", range(len(PACKED)))
def test_every_changed_byte_is_a_miss(at: int) -> None:
    changed = bytearray(PACKED)
    changed[at] ^= 0x10
    assert unpack(bytes(changed)) is None


@pytest.mark.parametrize(
    "foreign",
    [b"", b"1", b"x" * 1000, PACKED + b"\0", pickle.dumps(VECTOR), VECTOR.tobytes() * 8],
)
def test_what_others_wrote_is_a_miss(foreign: bytes) -> None:
    assert unpack(foreign) is None


@given(st.binary(max_size=64))
def test_no_bytes_raise(value: bytes) -> None:
    assert unpack(value) is None
    unpack(PACKED[:8] + value)
