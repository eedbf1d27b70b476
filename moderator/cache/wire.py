"""A vector as bytes: a header that proves what it is, then raw little-endian float32.

    magic "MODV"  version u8  type u8  reserved u16  dimensions u32  CRC-32 u32  | dimensions x f4

All integers are little-endian. Never pickle: whoever can write to the cache could then run code.
"""

import struct
import zlib
from typing import Final

import numpy as np

from moderator.cache.base import Vector, frozen

_HEADER: Final = struct.Struct("<4sBBHII")
_MAGIC: Final = b"MODV"
_VERSION: Final = 1
_FLOAT32: Final = 1


def pack(vector: Vector) -> bytes:
    """Write a (dim,) float32 vector; ValueError for anything else."""
    content = frozen(vector).astype("<f4", copy=False).tobytes()
    header = (_MAGIC, _VERSION, _FLOAT32, 0, len(vector), zlib.crc32(content))
    return _HEADER.pack(*header) + content


def unpack(value: bytes) -> Vector | None:
    """Read what `pack` wrote, as a read-only vector; None for anything else, or damaged."""
    if len(value) < _HEADER.size:
        return None
    *start, dimensions, checksum = _HEADER.unpack_from(value)
    content = memoryview(value)[_HEADER.size :]
    if start != [_MAGIC, _VERSION, _FLOAT32, 0] or len(content) != 4 * dimensions:
        return None
    if zlib.crc32(content) != checksum:
        return None
    return np.frombuffer(content, "<f4").astype(np.float32, copy=False)
