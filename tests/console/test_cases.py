"""Who is handed which case, and what a second look is."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import redis.asyncio

from moderator.console.cases import Cases, Decided, First, HeldError
from moderator.console.records import keep
from moderator.console.state import State
from moderator.errors import InputError
from tests.console.serving import for_review


@pytest_asyncio.fixture
async def state(console_redis: str) -> AsyncIterator[State]:
    client = redis.asyncio.Redis.from_url(console_redis)
    await client.flushdb()
    yield State(client, 100)
    await client.aclose()


def cases_in(state: State, second_look: float = 0.0, claim_seconds: float = 60.0) -> Cases:
    return Cases(state, most=100, claim_seconds=claim_seconds, second_look=second_look)


async def with_one(cases: Cases) -> str:
    _, verdict = for_review("1")
    await cases.watch([(verdict, 1_000)], [])
    return verdict.id


async def decide(cases: Cases, case: str, user: str, decision: str = "allow") -> Decided:
    found, post = await cases.claim(case, user)
    first = await cases.first(case)
    made = Decided(review="r", decision=decision, case=found, post=post, first=first)
    await cases.done(made, user)
    return made


async def test_a_case_is_handed_to_one_moderator(state: State) -> None:
    cases = cases_in(state)
    case = await with_one(cases)
    assert await cases.next("oldest", "ada") == case
    assert await cases.next("oldest", "grace") is None
    with pytest.raises(HeldError, match="ada is looking"):
        await cases.claim(case, "grace")


async def test_a_case_that_is_released_is_free_again(state: State) -> None:
    cases = cases_in(state)
    case = await with_one(cases)
    await cases.claim(case, "ada")
    await cases.release(case, "grace")  # it is not hers
    assert await cases.next("oldest", "grace") is None
    await cases.release(case, "ada")
    assert await cases.next("oldest", "grace") == case


async def test_a_claim_runs_out(state: State) -> None:
    cases = cases_in(state, claim_seconds=0.001)
    case = await with_one(cases)
    await cases.claim(case, "ada")
    while await cases.next("oldest", "grace") is None:
        pass
    with pytest.raises(HeldError):
        await cases_in(state).claim(case, "ada")


async def test_a_decided_case_does_not_come_back_when_kafka_repeats_it(state: State) -> None:
    cases = cases_in(state)
    case = await with_one(cases)
    await decide(cases, case, "ada")
    await with_one(cases)
    assert await cases.counts() == (0, 0)
    with pytest.raises(InputError, match="has been decided"):
        await cases.get(case)


async def test_an_undone_case_is_back_in_the_hands_of_who_decided(state: State) -> None:
    cases = cases_in(state)
    case = await with_one(cases)
    await decide(cases, case, "ada")
    last = await cases.last("ada")
    assert last is not None
    await cases.undone(last, "ada")
    assert await cases.counts() == (1, 0)
    assert await cases.last("ada") is None
    with pytest.raises(HeldError):
        await cases.claim(case, "grace")


async def test_a_second_look_goes_to_somebody_else_and_ends_it(state: State) -> None:
    cases = cases_in(state, second_look=1.0)
    case = await with_one(cases)
    await decide(cases, case, "ada", "block")
    assert await cases.next("severe", "ada") is None
    assert await cases.next("severe", "grace") == case
    assert await cases.first(case) == First("ada", "block")
    await decide(cases, case, "grace")
    assert await cases.counts() == (0, 0)


async def test_a_post_that_comes_after_its_verdict_is_filled_in(state: State) -> None:
    cases = cases_in(state)
    post, _ = for_review("1")
    case = await with_one(cases)
    assert (await cases.get(case))[1] is None
    kept = keep(post, 0, 0, 1_000)
    await cases.watch([], [kept])
    assert (await cases.get(case))[1] == kept
    assert await cases.post(kept.key) == kept
