"""Who is handed which case, and what a second look is."""

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
import redis.asyncio

from moderator.console.cases import Cases, Decided, First, HeldError
from moderator.console.records import entry, keep
from moderator.console.state import State
from moderator.errors import InputError, TransientError
from moderator.posts import Media
from moderator.verdicts import ModalityReport
from tests.console.serving import a_hit, a_post, a_verdict, for_review
from tests.services.redis import Redis


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
    made = Decided(review=f"{user}'s", decision=decision, case=found, post=post, first=first)
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
    patient = cases_in(state)
    while await patient.next("oldest", "grace") is None:
        pass
    with pytest.raises(HeldError):
        await patient.claim(case, "ada")


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
    assert await cases.first(case) == First("ada", "block", "ada's")
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


async def test_a_later_post_with_the_same_id_does_not_take_the_place_of_the_one_that_was_judged(
    state: State,
) -> None:
    cases = cases_in(state)
    judged, verdict = for_review("1", "red fire")
    other = keep(a_post("1", "a lovely day"), 0, 1, 2_000)
    await state.add_posts([other])
    await cases.watch([(verdict, 1_000)], [])
    assert (await cases.get(verdict.id))[1] is None
    await cases.watch([], [keep(judged, 0, 0, 1_000)])
    await cases.watch([], [other])
    _, post = await cases.get(verdict.id)
    assert post is not None
    assert post.text == "red fire"


async def test_of_two_posts_with_one_id_each_waits_with_its_own_verdict(state: State) -> None:
    cases = cases_in(state)
    pairs = [for_review("1", text) for text in ("red fire", "more red fire")]
    kept = [keep(post, 0, place, 1_000) for place, (post, _) in enumerate(pairs)]
    await cases.watch([(verdict, 1_000) for _, verdict in pairs], kept)
    for (_, verdict), post in zip(pairs, kept, strict=True):
        assert (await cases.get(verdict.id))[1] == post
    await decide(cases, pairs[0][1].id, "ada")
    await cases.watch([], [kept[1]])
    assert (await cases.get(pairs[1][1].id))[1] == kept[1]


async def test_nobody_takes_the_second_look_at_their_own_decision_by_its_id(state: State) -> None:
    cases = cases_in(state, second_look=1.0)
    case = await with_one(cases)
    await decide(cases, case, "ada")
    with pytest.raises(InputError, match="for somebody else"):
        await cases.claim(case, "ada")
    assert await cases.next("oldest", "grace") == case


async def test_a_first_decision_can_be_undone_until_a_second_has_ended_the_case(
    state: State,
) -> None:
    cases = cases_in(state, second_look=1.0)
    case = await with_one(cases)
    made = await decide(cases, case, "ada")
    assert (await cases.last("ada")) == msgspec.structs.replace(made, final=False)
    await decide(cases, case, "grace", "block")
    with pytest.raises(InputError, match="somebody else has decided"):
        await cases.last("ada")
    last = await cases.last("grace")
    assert last is not None
    await cases.undone(last, "grace")
    assert await cases.first(case) == First("ada", "allow", "ada's")  # it is a second look again
    again = await cases.last("ada")
    assert again is not None
    await cases.undone(again, "ada")
    assert await cases.first(case) is None


async def test_what_a_waiting_post_and_its_verdict_hold_is_bounded(state: State) -> None:
    cases = cases_in(state)
    long = "x" * 2**20
    media = tuple(Media(id="m" * 512, url=f"https://example.org/{long}") for _ in range(1000))
    post = a_post("1", long, *media, author=long, surface=long, lang=long)
    reports = [
        ModalityReport(channel="image", status="failed", media="m" * 512, reason=long)
        for _ in range(1000)
    ]
    hits = [a_hit(f"test/{number}", score=number / 1000) for number in range(1000)]
    verdict = a_verdict(post, "review", *hits, meta={"a": long}, modalities=tuple(reports))
    kept = keep(post, 0, 0, 1_000)
    await state.add_posts([kept])
    await state.add_entries([entry(verdict, 1_000, kept)])
    await cases.watch([(verdict, 1_000)], [kept])
    case, _ = await cases.get(verdict.id)
    assert {each.id for each in case.verdict.rules} == {f"test/{n}" for n in range(900, 1000)}
    for name in await state.redis.keys("*"):
        assert await state.redis.memory_usage(name) < 2**17


async def test_a_redis_that_is_full_is_said_to_be_so_and_recovers_when_less_is_kept(
    redis_server: Redis,
) -> None:
    async with redis.asyncio.Redis.from_url(redis_server.url) as client:
        state = State(client, 100)
        posts = [keep(a_post(str(n), "x" * 20_000), 0, n, n) for n in range(80)]
        await state.add_posts(posts)
        used = (await client.info("memory"))["used_memory"]
        await client.config_set("maxmemory", used - 2**10)
        with pytest.raises(TransientError, match=r"Redis is full.*MODERATOR_CONSOLE_VERDICTS"):
            await state.add_posts(posts[:1])
        await State(client, 10).add_posts(posts[-1:])
        assert await client.hlen("moderator:console:posts") == 10
