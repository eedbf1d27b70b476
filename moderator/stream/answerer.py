"""Jobs to messages: screens in threads, and makes the verdicts and dead letters to publish."""

import asyncio
import io
import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from moderator.errors import InferenceError, ModelError
from moderator.metrics import Metrics
from moderator.pipeline import Screener
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.settings import Settings
from moderator.stream import dead_letters
from moderator.stream.offsets import PartitionProgress
from moderator.stream.publisher import Message
from moderator.verdicts import Verdict, encode_verdict

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Job:
    """One message on its way."""

    record: Any  # aiokafka's ConsumerRecord
    progress: PartitionProgress
    loaded: LoadedPost | None = None
    received: float = field(default_factory=time.perf_counter)

    @property
    def size(self) -> int:
        """Bytes of the message's value."""
        return len(self.record.value or b"")


def _first_post() -> LoadedPost:
    picture = io.BytesIO()
    Image.new("RGB", (256, 256), "grey").save(picture, "PNG")
    post = Post(id="warm-up", text="A first post.", media=(Media(data=picture.getvalue()),))
    return LoadedPost(post, (picture.getvalue(),), time.perf_counter())


class Answerer:
    """Turns jobs into messages. Every job has at least one: a verdict, a dead letter, or both."""

    def __init__(self, settings: Settings, screener: Screener, metrics: Metrics) -> None:
        self.callers = settings.callers or os.cpu_count() or 1
        self._settings = settings
        self._screener = screener
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(self.callers, thread_name_prefix="screen")

    def warm_up(self) -> None:
        """Screen a post in every thread, so that the first real one is not the slow one.

        Raises ModelError when an encoder fails at it: better now than a review for every post.
        """
        verdicts = self._pool.map(self._screener.screen, [[_first_post()]] * self.callers)
        for (verdict,) in verdicts:
            for report in verdict.modalities:
                if report.code == InferenceError.code:
                    raise ModelError(f"the {report.channel} encoder does not work: {report.reason}")

    def close(self) -> None:
        """Take no more work."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def answer(self, jobs: Sequence[Job]) -> list[Message]:
        """Screen a batch off the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._answer, jobs)

    def refuse(self, job: Job, code: str, reason: str) -> Message:
        """The dead letter of a message, with its bytes as they came."""
        return self._dead_letter(job.record, job.record.value or b"", code, reason)

    def too_large(self, refused: Message) -> Message:
        """Stands in for a message that the broker refused for its size.

        A verdict gives way to the dead letter of its post; that, if need be, to one without value.
        """
        record = refused.source
        reason = f"{refused.topic} did not take {len(refused.value):,} bytes"
        if refused.topic == self._settings.verdicts_topic:
            return self._dead_letter(record, record.value, "verdict_too_large", reason)
        return self._dead_letter(record, b"", "post_too_large", reason, keep_headers=False)

    def _dead_letter(
        self, record: Any, value: bytes, code: str, reason: str, *, keep_headers: bool = True
    ) -> Message:
        self._metrics.dead_letters.labels(code).inc()
        headers = dead_letters.headers(record, code, reason, keep=keep_headers)
        return Message(self._settings.dead_letters_topic, record.key, value, headers, record)

    def _answer(self, jobs: Sequence[Job]) -> list[Message]:
        messages, verdicts = [], []
        for job, outcome in zip(jobs, self._screen(jobs), strict=True):
            if isinstance(outcome, Exception):
                messages.append(self.refuse(job, "internal_error", repr(outcome)))
                continue
            verdicts.append(outcome)
            messages.append(self._verdict(job, outcome))
            if failure := dead_letters.failure(outcome):
                messages.append(self.refuse(job, *failure))
        self._metrics.observe(verdicts)
        return messages

    def _verdict(self, job: Job, verdict: Verdict) -> Message:
        record = job.record
        key = record.key if record.key is not None else verdict.post_id.encode()
        return Message(self._settings.verdicts_topic, key, encode_verdict(verdict), [], record)

    def _screen(self, jobs: Sequence[Job]) -> Sequence[Verdict | Exception]:
        """Screen together; if that raises, which is a bug, each alone, so that one post pays."""
        posts = [job.loaded for job in jobs if job.loaded is not None]
        try:
            return self._screener.screen(posts)
        except Exception as error:
            if len(jobs) == 1:
                log.exception("post at offset %d could not be screened", jobs[0].record.offset)
                return [error]
        return [outcome for job in jobs for outcome in self._screen([job])]
