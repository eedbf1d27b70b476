"""Which offset of a partition may be committed: the one before which everything is answered."""

from collections import deque
from collections.abc import Iterable


class PartitionProgress:
    """Messages of one partition between being read and being answered, in offset order.

    Answers come out of order (a post whose image is slow, a batch that overtakes another);
    committing past a gap would lose the post in it when the worker dies.
    """

    def __init__(self) -> None:
        self._open: deque[int] = deque()  # offsets read and not yet passed, ascending
        self._done: set[int] = set()  # of these, the answered ones
        self._next: int | None = None  # everything before this offset is answered
        self.left = False  # to another worker, who reads again what is not committed
        self.last_read = -1

    def start(self, offset: int) -> None:
        """A message was read."""
        self._open.append(offset)
        self.last_read = offset

    def finish(self, offset: int) -> None:
        """Its verdict or dead letter was acknowledged by the broker."""
        self._done.add(offset)
        while self._open and self._open[0] in self._done:
            passed = self._open.popleft()
            self._done.remove(passed)
            self._next = passed + 1

    @property
    def unanswered(self) -> int:
        """How many messages were read and not answered."""
        return len(self._open) - len(self._done)

    @property
    def committable(self) -> int | None:
        """The offset to commit, that of the next message to read; None when there is none yet."""
        return self._next

    @property
    def standing(self) -> int | None:
        """The same; before the first answer the first offset read, which is where it stands."""
        return self._open[0] if self._next is None and self._open else self._next

    @property
    def open(self) -> Iterable[int]:
        """The offsets read and not passed yet, in order."""
        return self._open
