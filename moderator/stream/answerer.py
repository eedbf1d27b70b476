"""Jobs to messages: screens in threads, and makes the verdicts and dead letters to publish."""

import asyncio
import io
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from PIL import Image

from moderator.errors import InferenceError, ModelError, TransientError
from moderator.logs import where
from moderator.metrics import Metrics
from moderator.pipeline import Screener
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.settings import Settings
from moderator.stream import dead_letters
from moderator.stream.offsets import PartitionProgress
from moderator.stream.publisher import Message
from moderator.stream.retries import Retries
from moderator.tracing import Trace, Tracing
from moderator.verdicts import DEFERRED, Verdict, deferred, encode_verdict

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Job:
    """One message on its way."""

    record: Any  # aiokafka's ConsumerRecord
    progress: PartitionProgress
    received: float = field(default_factory=time.perf_counter)
    size: int = 0  # bytes held in memory for it
    offset: int = -1  # to be passed when it is answered; the record's own, or that of its comeback
    attempt: int = 0  # how often it was put off because its media were away
    amends: str | None = None  # id of the verdict on what could be read at once
    deferred: bool = False  # its media are not looked at now
    let_go: bool = False  # it is answered later, or by another worker, and not by us now
    kills: bool = False  # workers died of it
    fetched: float = 0.0  # when its attachments had come; 0 when it carried all of them
    sent: float = 0.0  # when publishing its answer began
    created_at: datetime | None = None  # of the post
    trace: Trace | None = None


Work = tuple[Job, LoadedPost]


def _first_post() -> LoadedPost:
    picture = io.BytesIO()
    Image.new("RGB", (256, 256), "grey").save(picture, "PNG")
    post = Post(id="warm-up", text="A first post.", media=(Media(data=picture.getvalue()),))
    return LoadedPost(post, (picture.getvalue(),), time.perf_counter())


def _in_sequence(verdict: Verdict, job: Job) -> Verdict:
    """A verdict that comes before another, or after one, says so."""
    if job.deferred:
        return deferred(verdict)
    return msgspec.structs.replace(verdict, amends=job.amends) if job.amends else verdict


class Answerer:
    """Turns jobs into messages. Every job has at least one: a verdict, a dead letter, or both."""

    def __init__(
        self,
        settings: Settings,
        screener: Screener,
        metrics: Metrics,
        tracing: Tracing | None = None,
        *,
        observe: Callable[[Sequence[Verdict]], None] = lambda _: None,
    ) -> None:
        """`observe` is told every batch of verdicts, in the thread that made them."""
        self._tracing = tracing
        self.callers = settings.batches_at_once
        self._settings = settings
        self._screener = screener
        self._metrics = metrics
        self._retries = Retries(settings)
        self._observe = observe
        self._pool = ThreadPoolExecutor(self.callers, thread_name_prefix="screen")

    def warm_up(self) -> None:
        """Screen a post in every thread, so that the first real one is not the slow one.

        Raises ModelError when an encoder fails at it: better now than a review for every post.
        """
        try:
            self._screener.warm_up()
        except InferenceError as error:
            raise ModelError(f"an encoder does not work: {error}") from error
        posts = [[_first_post()]] * self.callers
        for (verdict,) in self._pool.map(self._screener.screen, posts):
            for report in verdict.modalities:
                if report.code == InferenceError.code:
                    raise ModelError(f"the {report.channel} encoder does not work: {report.reason}")

    def close(self) -> None:
        """Take no more work."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def answer(self, batch: Sequence[Work]) -> list[Message]:
        """Screen a batch off the event loop."""
        self._observe_waits([job for job, _ in batch], time.perf_counter())
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._answer, batch)

    def answered(self, jobs: Sequence[Job]) -> None:
        """Time jobs whose answers the broker has acknowledged, in a batch or a transaction."""
        jobs = [job for job in jobs if not job.let_go]
        now = time.perf_counter()
        for sent in {job.sent for job in jobs}:  # one for each batch
            self._metrics.observe_part("publish", now - sent)
        sent_ms = [job.record.timestamp for job in jobs]
        created_at = [job.created_at for job in jobs if job.created_at is not None]
        self._metrics.observe_answered(sent_ms, created_at, time.time())
        if self._tracing is not None:
            for job in jobs:
                # One without a trace yet was refused before it could be screened.
                trace = job.trace or self._tracing.begin(job.record.headers, job.received)
                trace.end(job.sent, refused=job.trace is None)

    def _observe_waits(self, jobs: Sequence[Job], now: float) -> None:
        stages = self._metrics.stage_seconds
        stages.observe([now - (job.fetched or job.received) for job in jobs], "queue")
        if fetched := [job.fetched - job.received for job in jobs if job.fetched]:
            stages.observe(fetched, "fetch")

    def refuse(self, job: Job, code: str, reason: str) -> Message:
        """The dead letter of a message that is no post, with its bytes as they came."""
        self._metrics.posts.labels("refused").inc()
        return self._dead_letter(job.record, job.record.value or b"", code, reason)

    def put_off(self, job: Job, reason: str) -> Message:
        """The message that brings a post back whose media's host is away."""
        job.let_go = True
        self._metrics.put_off.labels(TransientError.code).inc()
        self._metrics.stage_seconds.observe((job.fetched - job.received,), "fetch")
        return self._retries.later(
            job.record, job.attempt + 1, TransientError.code, reason, amends=job.amends
        )

    def too_large(self, refused: Message) -> Message:
        """Stands in for a message that the broker refused for its size.

        A verdict gives way to the dead letter of its post, and so does a post that was to come
        back; a dead letter, if need be, to one that only names its post: without value, key and
        headers of others nothing is left to be too large.
        """
        record = refused.source
        reason = f"{refused.topic} did not take {len(refused.value):,} bytes"
        if refused.topic == self._settings.verdicts_topic:
            return self._dead_letter(record, record.value, "verdict_too_large", reason)
        if refused.topic == self._settings.retries_topic:
            return self._dead_letter(record, record.value, "retry_too_large", reason)
        headers = dead_letters.headers(record, "post_too_large", reason, keep=False)
        self._metrics.dead_letters.labels("post_too_large").inc()
        return Message(self._settings.dead_letters_topic, None, b"", headers, record)

    def _dead_letter(self, record: Any, value: bytes, code: str, reason: str) -> Message:
        self._metrics.dead_letters.labels(code).inc()
        headers = dead_letters.headers(record, code, reason)
        return Message(self._settings.dead_letters_topic, record.key, value, headers, record)

    def _answer(self, batch: Sequence[Work]) -> list[Message]:
        messages: list[Message] = []
        judged: list[tuple[Job, Verdict]] = []
        began = time.perf_counter()
        for (job, loaded), outcome in zip(batch, self._screen(batch), strict=True):
            job.created_at = loaded.post.created_at
            value = job.record.value
            if isinstance(outcome, Exception):
                self._metrics.posts.labels("failed").inc()
                reason = repr(outcome)
                messages.append(self._dead_letter(job.record, value, "internal_error", reason))
                continue
            verdict, encoded = outcome
            judged.append((job, verdict))
            messages.append(self._verdict(job, verdict, encoded, began))
            if job.deferred:
                reason = "put off under overload"
                self._metrics.put_off.labels("overload").inc()
                messages.append(
                    self._retries.later(
                        job.record, job.attempt, DEFERRED, reason, amends=verdict.id
                    )
                )
            elif failure := dead_letters.failure(verdict):
                messages.append(self._dead_letter(job.record, value, *failure))
        self._count(judged)
        return messages

    def _count(self, judged: Sequence[tuple[Job, Verdict]]) -> None:
        verdicts = [verdict for _, verdict in judged]
        self._metrics.observe(verdicts)
        self._observe(verdicts)
        if judged:
            job, verdict = max(judged, key=lambda pair: pair[1].timing_ms["total"])
            self._metrics.slowest(verdict, job.trace.trace_id if job.trace else None)

    def _verdict(self, job: Job, verdict: Verdict, value: bytes, began: float) -> Message:
        record, headers = job.record, dead_letters.Headers()
        if self._tracing is not None:
            job.trace = self._tracing.begin(record.headers, job.received)
            job.trace.screened(job.fetched, began, verdict)
            headers = job.trace.headers
        key = record.key if record.key is not None else verdict.post_id.encode()
        return Message(self._settings.verdicts_topic, key, value, headers, record)

    def _tell(self, work: Work, error: Exception) -> None:
        """Log a bug. What an error says may quote the post, so that only when it was asked for."""
        job, loaded = work
        record = job.record
        place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        if self._settings.log_content:
            extra = {**place, "post_id": loaded.post.id, "text": loaded.post.text}
            log.error("offset %d could not be screened", record.offset, exc_info=error, extra=extra)
        else:
            told = where(error)
            log.error("offset %d could not be screened: %s", record.offset, told, extra=place)

    def _screen(self, batch: Sequence[Work]) -> Sequence[tuple[Verdict, bytes] | Exception]:
        """Screen together; if that raises, which is a bug, each alone, so that one post pays."""
        try:
            verdicts = [
                _in_sequence(verdict, job)
                for verdict, (job, _) in zip(
                    self._screener.screen([loaded for _, loaded in batch]), batch, strict=True
                )
            ]
            return [(verdict, encode_verdict(verdict)) for verdict in verdicts]
        except Exception as error:  # noqa: BLE001  # `_tell` logs it
            if len(batch) == 1:
                self._tell(batch[0], error)
                return [error]
        return [outcome for work in batch for outcome in self._screen([work])]
