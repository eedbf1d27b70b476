"""What is done when posts come faster than they can be answered."""

import time
from collections.abc import Callable
from typing import Any

from moderator.errors import TransientError
from moderator.posts import Post
from moderator.reading import LoadedPost
from moderator.settings import Settings
from moderator.stream.answerer import Job
from moderator.stream.reader import Fetched
from moderator.stream.retries import Retries
from moderator.verdicts import DEFERRED

_LOOK_AGAIN_SECONDS = 1.0


class _DeferredError(TransientError):
    """Stands where an attachment would, had there been time for it."""

    code = DEFERRED


class Overload:
    """Waits, or (`degrade`) puts off the media of posts that have waited too long in Kafka.

    Such a post gets a verdict on its text at once, which is `review` or harsher, and another one
    that amends it when there is time for its images. Nothing is dropped.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._degrade = settings.overload == "degrade"
        self._topic = settings.posts_topic
        self._late_seconds = settings.overload_seconds
        self._clock = clock
        self.late = False

    def observe(self, fetched: Fetched) -> None:
        """See by what was read, or that nothing was, whether we are late."""
        if not self._degrade:
            return
        if not fetched:
            self.late = False
        ages = [
            self._clock() - records[0].timestamp / 1000
            for partition, records in fetched.items()
            if records and partition.topic == self._topic
        ]
        if ages:
            self.late = max(ages) > self._late_seconds

    def defers(self, job: Job, post: Post) -> bool:
        """Whether the media of this post are put off; a post that was put off once is not again."""
        return self.late and job.amends is None and bool(post.media)

    def without_media(self, post: Post, received: float) -> LoadedPost:
        """The post with nothing of its media."""
        reason = "looked at later, for a verdict that amends this one"
        return LoadedPost(post, tuple(_DeferredError(reason) for _ in post.media), received)

    def due(self, retries: Retries) -> Callable[[Any], float]:
        """When a message of the retries topic may be taken up: not before we are on time again."""
        if not self.late:
            return retries.due
        return lambda record: max(retries.due(record), self._clock() + _LOOK_AGAIN_SECONDS)
