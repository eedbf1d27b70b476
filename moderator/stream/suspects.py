"""Messages that kill their worker, found by what workers leave in the metadata of commits.

A worker commits, with each offset, how far it may be reading. Whoever takes the partition over and
finds such a note knows that its writer went without saying goodbye, and then reads that far one
message at a time, each announced by a note of its own. A message that was alone when its worker
died has been there at two deaths: it is not tried a third time.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the metadata of a committed offset says; none at all says that all is well."""

    reach: int  # messages before this offset may be in flight
    alone: int | None = None  # the only message in flight


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Note).decode
Committed = Mapping[TopicPartition, tuple[int, str]]  # offset and metadata
LookUp = Callable[[Iterable[TopicPartition]], Awaitable[Committed]]


class Suspects:
    """The partitions' notes: those found, and those to leave."""

    def __init__(self, look_up: LookUp, *, slack: int) -> None:
        """`slack`: how many messages may be read before the next note."""
        self._look_up = look_up
        self._slack = slack
        self._found: dict[TopicPartition, Note] = {}
        self._announced: set[tuple[TopicPartition, int]] = set()

    async def learn(self, partitions: Iterable[TopicPartition]) -> None:
        """Read the notes on partitions that are new to us."""
        new = [partition for partition in partitions if partition not in self._found]
        if not new:
            return
        try:
            committed = await self._look_up(new)
        except KafkaError as error:  # then a killer may have one more victim
            log.warning("the notes of the partitions' last owners cannot be read: %r", error)
            committed = {}
        for partition in new:
            self._found[partition] = parse(committed.get(partition, (0, ""))[1])
            if self._found[partition].reach:
                log.warning(
                    "a worker died reading partition %d of %s; up to offset %d one by one",
                    partition.partition,
                    partition.topic,
                    self._found[partition].reach,
                )

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """These have another owner."""
        for partition in partitions:
            self._found.pop(partition, None)

    def suspected(self, partition: TopicPartition, offset: int) -> bool:
        """Whether it may have killed a worker, so that it must be in flight alone."""
        found = self._found.get(partition)
        return found is not None and offset < found.reach

    def guilty(self, partition: TopicPartition, offset: int) -> bool:
        """Whether it was the only message in flight when a worker died, which was not us."""
        found = self._found.get(partition)
        ours = (partition, offset) in self._announced
        return found is not None and offset == found.alone and not ours

    def announced(self, partition: TopicPartition, offset: int) -> None:
        """We are about to try this one alone; if the note is met again, we have lived."""
        self._announced = {(partition, offset)}

    def acquit(self) -> None:
        """The killer is found: nobody else is suspected."""
        self._found = dict.fromkeys(self._found, Note(0))

    def reach(self, partition: TopicPartition, last_read: int) -> int:
        """How far the next note has to reach."""
        found = self._found.get(partition)
        return max(last_read + 1 + self._slack, found.reach if found else 0)

    def pending(self, partition: TopicPartition, offset: int) -> str:
        """The note to leave at `offset` when nothing is in flight: suspects not reached yet."""
        return note(self._found[partition].reach) if self.suspected(partition, offset) else ""


def parse(metadata: str) -> Note:
    """The note in the metadata of a commit; reach 0 when there is none."""
    try:
        return _decode(metadata)
    except msgspec.DecodeError:  # nothing, or another program's
        return Note(0)


def note(reach: int, alone: int | None = None) -> str:
    """As metadata of a commit."""
    return _encode(Note(reach, alone)).decode()
