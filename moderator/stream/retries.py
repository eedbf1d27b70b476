"""Posts that come again: media hosts that were away, and images put off under overload.

They wait in a topic of their own, so that they hold back neither their partition nor its commits,
survive any worker, and take no memory.
"""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from moderator.errors import TransientError
from moderator.reading import LoadedPost
from moderator.settings import Settings
from moderator.stream import dead_letters
from moderator.stream.publisher import Message

_ATTEMPT, _NOT_BEFORE, _AMENDS = (
    dead_letters.PREFIX + name for name in ("attempt", "not-before", "amends")
)


class Comeback(NamedTuple):
    """What is known of a post that was put off."""

    record: Any  # as it was, and where it was, at first
    attempt: int  # how often its media were away before
    amends: str | None  # id of the verdict on what could be read at once


class Retries:
    """Puts posts off, with capped exponential backoff and full jitter, and takes them up again."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self.topic = settings.retries_topic
        self._most = settings.media_retries
        self._first_seconds = settings.retry_first_seconds
        self._most_seconds = settings.retry_most_seconds
        self._clock = clock

    def later(
        self, record: Any, attempt: int, code: str, reason: str, *, amends: str | None = None
    ) -> Message:
        """The message that brings a post back; 0 is one whose media were not asked for yet."""
        # Full jitter: after an outage of the host not all come back together.
        most = min(self._first_seconds * 2.0 ** max(attempt - 1, 0), self._most_seconds)
        due = self._clock() + random.uniform(most / 2, most)  # noqa: S311
        headers = dead_letters.headers(record, code, reason)
        headers += [(_ATTEMPT, str(attempt).encode()), (_NOT_BEFORE, f"{due:.3f}".encode())]
        if amends:
            headers.append((_AMENDS, amends.encode()))
        return Message(self.topic, record.key, record.value or b"", headers, record)

    def due(self, record: Any) -> float:
        """When it is to be tried again, in seconds since the epoch; never later than the cap."""
        try:
            due = float(dict(record.headers)[_NOT_BEFORE])
        except (KeyError, TypeError, ValueError):  # not one of ours
            return 0.0
        return min(due, self._clock() + self._most_seconds)  # a clock may have been set back

    def comeback(self, record: Any) -> Comeback:
        """Take up a message of the retries topic; one that is not ours counts as a new post."""
        headers = dict(record.headers)
        try:
            origin = replace(
                record,
                topic=headers[dead_letters.PREFIX + "topic"].decode(),
                partition=int(headers[dead_letters.PREFIX + "partition"]),
                offset=int(headers[dead_letters.PREFIX + "offset"]),
                headers=tuple(dead_letters.foreign(record)),
            )
            amends = headers.get(_AMENDS)
            return Comeback(origin, int(headers[_ATTEMPT]), amends.decode() if amends else None)
        except (KeyError, ValueError, AttributeError, TypeError):
            return Comeback(record, 0, None)

    def again(self, loaded: LoadedPost, attempt: int) -> str | None:
        """Why the post should be tried again; None when it is well or has been tried enough."""
        if attempt >= self._most:
            return None
        away = [str(each) for each in loaded.attachments if isinstance(each, TransientError)]
        return away[0] if away else None

    def given_up(self, loaded: LoadedPost, attempt: int) -> LoadedPost:
        """The post with the number of tries in the reasons of its verdict."""
        if not attempt:
            return loaded
        return loaded._replace(
            attachments=tuple(
                TransientError(f"{each} (tried again {attempt} times)")
                if isinstance(each, TransientError)
                else each
                for each in loaded.attachments
            )
        )
