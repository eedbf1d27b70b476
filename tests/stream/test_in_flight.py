"""How much is read at a time, and what the pages say of it."""

import asyncio
import base64

from moderator.errors import TransientError
from tests.builders import picture
from tests.stream.fakes import turns, until
from tests.stream.rig import Rig, a_record, posts, running, with_url


async def test_no_more_posts_are_read_than_may_be_in_flight() -> None:
    async with running(max_in_flight_posts=4) as rig:
        rig.producer.holding = True
        rig.feed(*posts(*range(10)))
        await until(lambda: len(rig.producer.open) == 4)
        await turns()
        assert (len(rig.consumer.waiting), rig.consumer.reading) == (6, False)

        rig.producer.open[2].set_result(None)
        await until(lambda: len(rig.producer.sent) == 5)
        await turns()
        assert (len(rig.consumer.waiting), rig.consumer.reading) == (5, False)

        rig.producer.release()
        await until(lambda: len(rig.producer.sent) == 10)


async def test_reading_stops_at_the_bytes_that_may_be_in_flight() -> None:
    async with running(max_in_flight_bytes=1000) as rig:
        rig.producer.holding = True
        rig.consumer.most_records = 1
        rig.feed(*(a_record(offset, text="x" * 375) for offset in range(10)))  # 400 bytes each
        await until(lambda: len(rig.producer.open) == 3 and not rig.consumer.reading)
        await turns()
        assert (len(rig.consumer.waiting), rig.consumer.reading) == (7, False)

        rig.producer.open[0].set_result(None)
        await until(lambda: len(rig.producer.sent) == 4)
        await turns()
        assert (len(rig.consumer.waiting), rig.consumer.reading) == (6, False)

        rig.producer.release()
        await until(lambda: len(rig.producer.sent) == 10)


async def test_fetched_bytes_are_in_flight_too_until_their_post_is_answered() -> None:
    async with running(max_in_flight_bytes=1000) as rig:
        rig.producer.holding = True
        rig.fetcher.content += bytes(2000)
        rig.fetcher.may_answer.set()
        rig.feed(with_url(0))
        await until(lambda: len(rig.producer.open) == 1 and not rig.consumer.reading)
        rig.feed(*posts(1, 2, 3))
        await turns()
        assert (len(rig.consumer.waiting), rig.consumer.reading) == (3, False)

        rig.producer.release()
        await until(lambda: rig.idle)
        assert rig.offsets() == [0, 1, 2, 3]
        assert rig.path.in_flight_bytes == 0


async def test_what_is_in_flight_is_the_message_and_what_was_decoded_or_fetched_for_it() -> None:
    content = picture("green")
    inline = a_record(0, media=[{"data": base64.b64encode(content).decode()}])
    async with running() as rig:
        rig.producer.holding = True
        rig.fetcher.may_answer.set()
        elsewhere = with_url(1)
        rig.feed(inline, elsewhere)
        await until(lambda: len(rig.producer.open) == 2)
        values = sum(len(record.value or b"") for record in (inline, elsewhere))
        assert rig.path.in_flight_bytes == values + 2 * len(content)
        rig.producer.release()
        await until(lambda: rig.idle)
        assert rig.path.in_flight_bytes == 0


async def test_posts_in_flight_without_an_answer_are_a_stall_and_none_is_not() -> None:
    async with running() as rig:
        rig.clock.now += 500
        assert rig.path.stalled_seconds == 0
        rig.producer.holding = True
        rig.feed(*posts(0, 1))
        await until(lambda: len(rig.producer.open) == 2)
        assert rig.path.stalled_seconds == 0  # idle before, so counted from the first post on
        rig.clock.now += 50
        assert rig.path.stalled_seconds == 50
        rig.producer.open[0].set_result(None)
        await until(lambda: rig.path.stalled_seconds == 0)
        assert rig.in_flight == 1


async def test_a_consumer_that_fetches_no_more_though_there_is_more_is_not_idle_but_stuck() -> None:
    async with running() as rig:
        rig.consumer.positions, rig.consumer.grown = {0: 5, 1: 4}, {0: 5, 1: 4}
        for seconds, stalled in ((500, 0), (50, 0), (30, 30), (30, 60)):
            rig.clock.now += seconds
            await rig.connection.ask_ends()
            assert rig.path.stalled_seconds == stalled
            rig.consumer.grown[1] = 9  # after the first look
        rig.consumer.positions[1] = 6
        await rig.connection.ask_ends()
        assert rig.path.stalled_seconds == 0
        rig.clock.now += 70
        rig.consumer.positions[1] = 9
        await rig.connection.ask_ends()
        assert rig.path.stalled_seconds == 0


async def test_an_answer_a_moment_ago_is_no_stall_however_long_nothing_was_read() -> None:
    async with running() as rig:
        rig.consumer.grown = {0: 100}
        await rig.connection.ask_ends()
        rig.producer.holding = True
        rig.feed(*posts(0))
        await until(lambda: len(rig.producer.open) == 1)
        rig.clock.now += 110
        rig.producer.release()
        await until(lambda: rig.idle)
        assert rig.path.stalled_seconds == 0


async def test_lag_is_what_is_not_answered_also_before_the_first_answer() -> None:
    async with running() as rig:
        rig.consumer.ends = {0: 12, 1: 4}
        assert rig.path.lag_posts == {("posts", 0): 0, ("posts", 1): 0}  # not known yet
        rig.screener.may_screen.clear()
        rig.feed(*posts(5, 6))
        await until(lambda: rig.in_flight == 2)
        assert rig.path.lag_posts["posts", 0] == 7
        rig.screener.may_screen.set()
        await until(lambda: rig.idle)
        assert rig.path.lag_posts["posts", 0] == 5


async def test_lag_grows_with_the_partition_also_while_nothing_is_fetched() -> None:
    async with running() as rig:
        rig.consumer.ends, rig.consumer.grown = {0: 12}, {0: 5000}
        rig.screener.may_screen.clear()
        rig.feed(*posts(5, 6))
        await until(lambda: rig.in_flight == 2)
        assert rig.path.lag_posts["posts", 0] == 7
        await rig.connection.ask_ends()
        assert rig.path.lag_posts["posts", 0] == 4995


async def test_only_what_was_answered_here_is_timed_as_answered() -> None:
    def counted(rig: Rig, name: str, **labels: str) -> float:
        return rig.metrics.registry.get_sample_value(f"moderator_{name}", labels) or 0.0

    async with running(media_retries=1) as rig:
        rig.fetcher.failure = TransientError("the host is away")
        rig.fetcher.may_answer.set()
        rig.feed(with_url(0), *posts(1, 2))
        await until(lambda: rig.idle)
        assert counted(rig, "end_to_end_seconds_count", since="message") == 2
        assert counted(rig, "posts_put_off_total", reason="unavailable") == 1
        assert counted(rig, "stage_seconds_count", stage="fetch") == 1
        assert counted(rig, "stage_seconds_count", stage="publish") >= 1
        assert rig.path.waiting_posts == {"fetch": 0, "batch": 0, "publish": 0}


async def test_the_age_of_commits_is_that_of_work_and_not_of_the_pause_before_it() -> None:
    async with running(commit_interval_seconds=0.05) as rig:
        assert rig.path.commit_age_seconds == 0
        await asyncio.sleep(0.3)
        rig.screener.may_screen.clear()
        rig.feed(*posts(0))
        await until(lambda: rig.in_flight == 1)
        assert 0 < rig.path.commit_age_seconds < 0.3
        rig.screener.may_screen.set()
        await until(lambda: rig.consumer.committed == {0: 1})
        assert rig.path.commit_age_seconds == 0
