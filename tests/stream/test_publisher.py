"""Messages on their way out, each followed until the broker has it; without a broker."""

import asyncio

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
)

from moderator.metrics import Metrics
from moderator.settings import Settings, load_settings
from moderator.stream.publisher import Message, Publisher
from tests.stream.fakes import PATIENCE, RecordingProducer, turns, until


class Producers:
    """Makes the publisher's producers; each holds its messages until the test decides."""

    def __init__(self) -> None:
        self.made: list[RecordingProducer] = []
        self.unreachable: list[Exception] = []  # what the next ones meet when they start

    def __call__(self, _: Settings) -> RecordingProducer:
        producer = RecordingProducer(holding=True)
        producer.unreachable = self.unreachable.pop() if self.unreachable else None
        self.made.append(producer)
        return producer

    @property
    def last(self) -> RecordingProducer:
        return self.made[-1]

    @property
    def sent(self) -> list[list[bytes]]:
        """The values that went to each."""
        return [[message.value for message in producer.sent] for producer in self.made]

    def decide(self, *fates: Exception | None) -> None:
        """Decide on what the last one has been sent: acknowledged, or failed."""
        for delivery, fate in zip(self.last.open, fates, strict=True):
            if fate is None:
                delivery.set_result(None)
            else:
                delivery.set_exception(fate)


Publishing = asyncio.Task[list[Message]]


@pytest.fixture
def producers() -> Producers:
    return Producers()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def publisher(producers: Producers, metrics: Metrics) -> Publisher:
    """A publisher that waits for nothing before it tries again."""
    made = Publisher(load_settings(), metrics, producer=producers, first_wait_seconds=0)
    await made.start()
    return made


def messages(*values: bytes) -> list[Message]:
    return [Message("verdicts", b"key", value, [], None) for value in values]


async def publishing(publisher: Publisher, *values: bytes) -> Publishing:
    """Publishing that has come as far as it can without the broker."""
    task = asyncio.create_task(publisher.publish(messages(*values)))
    await turns()
    return task


async def outcome(task: Publishing) -> list[bytes]:
    """The values that were given back."""
    return [message.value for message in await asyncio.wait_for(task, PATIENCE)]


async def test_publishing_ends_when_every_message_is_acknowledged(
    publisher: Publisher, producers: Producers
) -> None:
    task = await publishing(publisher, b"a", b"b", b"c")
    first, second, third = producers.last.open
    third.set_result(None)
    first.set_result(None)
    await turns()
    assert not task.done()
    second.set_result(None)
    assert await outcome(task) == []
    assert producers.sent == [[b"a", b"b", b"c"]]


async def test_what_fails_for_a_while_is_sent_again_until_it_is_acknowledged(
    publisher: Publisher, producers: Producers, metrics: Metrics
) -> None:
    task = await publishing(publisher, b"a", b"b")
    for _ in range(3):
        assert not task.done()
        fates = [None] * (len(producers.last.open) - 1)
        producers.decide(*fates, NotLeaderForPartitionError())
        await until(lambda: bool(producers.last.open))
    producers.decide(None)
    assert await outcome(task) == []
    assert producers.sent == [[b"a", b"b", b"b", b"b", b"b"]]
    assert "moderator_publish_retries_total 3.0" in metrics.expose().decode()


async def test_a_producer_that_raises_at_once_is_tried_again_too(
    publisher: Publisher, producers: Producers
) -> None:
    producers.last.failure = NotLeaderForPartitionError()
    task = await publishing(publisher, b"a")
    assert not task.done()
    producers.last.failure = None
    await until(lambda: bool(producers.last.open))
    producers.decide(None)
    assert await outcome(task) == []


async def test_a_delivery_that_is_cancelled_is_not_lost(
    publisher: Publisher, producers: Producers
) -> None:
    task = await publishing(publisher, b"a", b"b")
    first, second = producers.last.open
    first.cancel()
    second.set_result(None)
    await until(lambda: bool(producers.last.open))
    producers.decide(None)
    assert await outcome(task) == []
    assert producers.sent == [[b"a", b"b"], [b"a"]]


async def test_a_producer_that_is_broken_for_good_is_replaced_once_however_many_batches_failed(
    publisher: Publisher, producers: Producers
) -> None:
    one, two = await publishing(publisher, b"a"), await publishing(publisher, b"b")
    producers.decide(OutOfOrderSequenceNumber(), OutOfOrderSequenceNumber())
    await until(lambda: len(producers.last.open) == 2 and producers.last is not producers.made[0])
    producers.decide(None, None)
    assert await outcome(one) == await outcome(two) == []
    assert producers.sent == [[b"a", b"b"], [b"a", b"b"]]
    assert [producer.stopped for producer in producers.made] == [1, 0]


async def test_a_broker_that_is_away_when_the_producer_is_replaced_is_waited_for(
    publisher: Publisher, producers: Producers
) -> None:
    task = await publishing(publisher, b"a")
    producers.unreachable = [KafkaConnectionError("away")]
    producers.made[0].failure = ProducerClosed()  # as one is that was stopped
    producers.decide(OutOfOrderSequenceNumber())
    await until(lambda: bool(producers.last.open))
    producers.decide(None)
    assert await outcome(task) == []
    assert producers.sent == [[b"a"], [], [b"a"]]
    assert producers.made[1].stopped == 1  # nothing of the attempt stays behind


async def test_what_is_too_large_is_given_back_and_not_sent_again(
    publisher: Publisher, producers: Producers
) -> None:
    task = await publishing(publisher, b"a", b"large", b"c")
    producers.decide(None, MessageSizeTooLargeError(), NotLeaderForPartitionError())
    await until(lambda: bool(producers.last.open))
    producers.decide(None)
    assert await outcome(task) == [b"large"]
    assert producers.sent == [[b"a", b"large", b"c", b"c"]]


async def test_what_the_producer_itself_finds_too_large_is_given_back(
    publisher: Publisher, producers: Producers
) -> None:
    producers.last.failure = MessageSizeTooLargeError()
    assert await outcome(await publishing(publisher, b"large")) == [b"large"]


async def test_of_a_batch_refused_for_its_size_only_what_does_not_fit_alone_is_given_back(
    publisher: Publisher, producers: Producers
) -> None:
    producers.last.most_batch_bytes = 10
    task = await publishing(publisher, b"fits", b"fits alone", b"does not fit")
    assert await outcome(task) == [b"does not fit"]
    batch = [b"fits", b"fits alone", b"does not fit"]
    assert producers.sent == [[*batch, *batch]]  # together, then one by one


async def test_what_fails_for_a_while_when_it_is_sent_alone_is_tried_again(
    publisher: Publisher, producers: Producers
) -> None:
    task = await publishing(publisher, b"a", b"b")
    producers.decide(MessageSizeTooLargeError(), MessageSizeTooLargeError())
    for fate in (NotLeaderForPartitionError(), None):
        await until(lambda: bool(producers.last.open))
        producers.decide(fate)
    await until(lambda: bool(producers.last.open))
    producers.decide(None)
    assert await outcome(task) == []
    assert producers.sent == [[b"a", b"b", b"a", b"b", b"a"]]


async def test_a_bug_is_not_tried_again(publisher: Publisher, producers: Producers) -> None:
    task = await publishing(publisher, b"a", b"b")
    producers.decide(NotLeaderForPartitionError(), ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await outcome(task)
    assert producers.sent == [[b"a", b"b"]]


async def test_a_producer_that_cannot_connect_is_closed_and_says_so(producers: Producers) -> None:
    publisher = Publisher(load_settings(), Metrics(), producer=producers)
    producers.unreachable = [KafkaConnectionError("away")]
    with pytest.raises(KafkaConnectionError):
        await publisher.start()
    await publisher.stop()
    assert producers.last.stopped == 1
