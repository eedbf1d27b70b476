"""Messages that aiokafka cannot decode, read all the same.

It decodes names of headers as UTF-8, which Kafka does not ask of producers, and gives up the whole
fetch over one that is not; seeking past it does not help, because brokers send whole batches. So
what comes next is fetched once more and taken apart here.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import _DefaultRecordBatchPy  # the one that is written out
from aiokafka.record.util import decode_varint
from aiokafka.structs import ConsumerRecord

_BATCH_HEAD = struct.Struct(">qiib")  # base offset, length after it, leader epoch, magic
_LENGTH_ENDS = 12
_READ_COMMITTED = 1
_FETCH_BYTES = 2**20


class UnreadableRecord(ConsumerRecord):  # type: ignore[misc]  # aiokafka ships no types
    """A message of which only a part could be read; what is not UTF-8 in it is shown escaped."""


async def refetch(consumer: Any, partition: TopicPartition) -> list[ConsumerRecord]:
    """Messages from the consumer's position on; it then reads on after them.

    Empty where there are none. Raises KafkaError when the broker cannot be asked.
    """
    position = await consumer.position(partition)
    client = consumer._client  # noqa: SLF001  # it has no public way to a raw fetch
    leader = client.cluster.leader_for_partition(partition)
    # The first batch comes whole, however large.
    asked = [(partition.topic, [(partition.partition, position, _FETCH_BYTES)])]
    request = FetchRequest(0, 1, _FETCH_BYTES, _READ_COMMITTED, asked)
    answer = await client.send(leader, request)
    ((_, ((_, code, _, *rest),)),) = answer.topics
    if code:
        raise for_code(code)
    found: list[ConsumerRecord] = []
    for batch in _batches(bytes(rest[-1] or b"")):
        consumer.seek(partition, batch.next_offset)
        if not batch.is_control_batch:
            found += (each for each in _records(batch, partition) if each.offset >= position)
    return found


def _batches(data: bytes) -> Iterator[Any]:
    """The whole batches of a fetch, which may end within one."""
    while len(data) > _BATCH_HEAD.size:
        end = _LENGTH_ENDS + _BATCH_HEAD.unpack_from(data)[1]
        if end > len(data):
            return
        yield _DefaultRecordBatchPy(data[:end])
        data = data[end:]


def _records(batch: Any, partition: TopicPartition) -> Iterator[ConsumerRecord]:
    try:
        batch._maybe_uncompress()  # noqa: SLF001
        data, place = bytes(batch._buffer), batch._pos  # noqa: SLF001
        found = []
        for _ in range(batch._num_records):  # noqa: SLF001
            length, place = decode_varint(data, place)
            found.append(_record(data[place : place + length], batch, partition))
            place += length
    except Exception:  # noqa: BLE001  # of whichever codec: the batch is beyond reading
        for offset in range(batch.base_offset, batch.next_offset):
            yield _made(UnreadableRecord, partition, (offset, batch.max_timestamp))
        return
    yield from found


def _record(data: bytes, batch: Any, partition: TopicPartition) -> ConsumerRecord:
    """One record as KIP-98 lays it out, after its length."""
    place = 1  # attributes, of which none are in use
    since, place = decode_varint(data, place)
    delta, place = decode_varint(data, place)
    key, place = _bytes(data, place)
    value, place = _bytes(data, place)
    count, place = decode_varint(data, place)
    headers: list[tuple[str, bytes | None]] = []
    kind = ConsumerRecord
    for _ in range(count):
        name, place = _bytes(data, place)
        content, place = _bytes(data, place)
        try:
            shown = (name or b"").decode()
        except UnicodeDecodeError:
            shown, kind = (name or b"").decode(errors="backslashreplace"), UnreadableRecord
        headers.append((shown, content))
    offset, written = batch.base_offset + delta, batch.first_timestamp + since
    return _made(kind, partition, (offset, written), key, value, headers)


def _bytes(data: bytes, place: int) -> tuple[bytes | None, int]:
    length, place = decode_varint(data, place)
    if length < 0:
        return None, place
    return data[place : place + length], place + length


def _made(
    kind: type[ConsumerRecord],
    partition: TopicPartition,
    place: tuple[int, int],
    key: bytes | None = None,
    value: bytes | None = None,
    headers: Iterable[tuple[str, bytes | None]] = (),
) -> ConsumerRecord:
    """`place`: offset, and timestamp in milliseconds."""
    sizes = [len(part) if part is not None else -1 for part in (key, value)]
    return kind(*partition, *place, 0, key, value, None, *sizes, tuple(headers))
