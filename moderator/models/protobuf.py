"""Protocol buffers, as far as reading a file's fields by number takes.

https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator

Value = int | bytes | memoryview  # a number, or the bytes of anything else
_VARINT, _LENGTH = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}


def fields(data: memoryview | bytes) -> Iterator[tuple[int, Value]]:
    """The fields of a message with their numbers. Raises ValueError, IndexError if it is none."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint(data, place)
            yield key >> 3, value
            continue
        if kind == _LENGTH:
            size, place = _varint(data, place)
        elif kind in _FIXED_BYTES:
            size = _FIXED_BYTES[kind]
        else:
            raise ValueError(f"wire type {kind} at byte {place}")
        if place + size > len(data):
            raise ValueError("it is cut short")
        yield key >> 3, data[place : place + size]
        place += size


def varints(data: memoryview | bytes) -> Iterator[int]:
    """The numbers of a packed field."""
    place = 0
    while place < len(data):
        value, place = _varint(data, place)
        yield value


def message(value: Value) -> memoryview | bytes:
    """A field's bytes. Raises TypeError if it is a number."""
    if isinstance(value, int):
        raise TypeError("a number where a message was expected")
    return value


def number(value: Value) -> int:
    """A field's number. Raises TypeError if it is none."""
    if not isinstance(value, int):
        raise TypeError("bytes where a number was expected")
    return value


def text(value: Value) -> str:
    """A field's text. Raises TypeError, UnicodeDecodeError if it is none."""
    return bytes(message(value)).decode()


def _varint(data: memoryview | bytes, place: int) -> tuple[int, int]:
    """The number at `place`, seven bits a byte, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, place
        shift += 7
