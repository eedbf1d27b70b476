"""The review queue: one post at a time, decided with a key."""

import asyncio
import time
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from moderator.console.cases import Case, Decided, First, HeldError, Order
from moderator.console.media import served
from moderator.console.originals import original
from moderator.console.pages import Page, get, parts, post, read, render, reply
from moderator.console.records import KeptPost
from moderator.console.studio import studio
from moderator.console.why import similar, why
from moderator.errors import InputError, TransientError
from moderator.posts import Post
from moderator.reading import LoadedPost
from moderator.reviews import Decision, Review, labels_of

_LISTED: Final = 60
_SNIPPET: Final = 90
_SIMILAR: Final = 6
_REFRESH_SECONDS: Final = 1.0  # for posts that came since somebody asked
_NOTE_CHARACTERS: Final = 2_000


class _Queue(msgspec.Struct):
    order: Order = "severe"


class _Decision(msgspec.Struct):
    decision: Decision
    rule: str | None = None
    note: Annotated[str, msgspec.Meta(max_length=_NOTE_CHARACTERS)] = ""
    seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 0.0


async def _page(request: Request) -> Response:
    return render(request, "review.html.j2", claim_seconds=_claim_seconds(request))


def _claim_seconds(request: Request) -> float:
    return parts(request).settings.console_claim_seconds


async def _list(request: Request) -> Response:
    try:
        order = msgspec.convert(request.query_params.get("order", "severe"), Order)
    except msgspec.ValidationError as error:
        raise InputError("not_understood", f"order: {error}") from error
    cases = parts(request).cases
    found = await cases.head(order, _LISTED)
    waiting, left_out = await cases.counts()
    rows = [
        {
            "id": case.id,
            "at": case.at,
            "severity": case.verdict.severity,
            "rule": case.verdict.rules[0].id if case.verdict.rules else None,
            "text": (kept.text or "")[:_SNIPPET] if kept else "",
            "media": len(kept.media) + kept.more_media if kept else 0,
            "holder": holder if holder != _user(request) else None,
        }
        for case, kept, holder in found
    ]
    return reply({"waiting": waiting, "left_out": left_out, "cases": rows})


async def _next(request: Request) -> Response:
    asked = await read(request, _Queue)
    case = await parts(request).cases.next(asked.order, _user(request))
    return reply({"id": case})


async def _claim(request: Request) -> Response:
    case, kept = await parts(request).cases.claim(_id(request), _user(request))
    first = await parts(request).cases.first(case.id)
    return reply(
        {
            "id": case.id,
            "at": case.at,
            "verdict": case.verdict,
            "post": kept,
            "second": first is not None,  # not what the first one said: this look is a fresh one
        }
    )


async def _release(request: Request) -> Response:
    await parts(request).cases.release(_id(request), _user(request))
    return reply({})


async def _why(request: Request) -> Response:
    case, kept = await parts(request).cases.get(_id(request))
    if kept is None:
        raise InputError("gone", "the post that the verdict is on is not kept any longer")
    loaded = await _loaded(request, kept)
    found = await parts(request).bench.run(
        lambda bench, rules: why(bench, rules, loaded, case.verdict)
    )
    return reply(found)


async def _similar(request: Request) -> Response:
    """Recent posts like a case, from the index that search uses."""
    _, kept = await parts(request).cases.get(_id(request))
    if kept is None:
        return reply([])
    loaded = await _loaded(request, kept)
    corpus = studio(request).corpus
    await corpus.refresh(_REFRESH_SECONDS)
    found = await corpus.run(lambda recent, bench, _: similar(recent, bench, loaded, _SIMILAR))
    return reply(found)


async def _loaded(request: Request, kept: KeptPost) -> LoadedPost:
    """The post and its attachments, fetched beside the models' thread: strangers are slow."""
    whole = await original(parts(request).settings, kept)
    bench = await parts(request).bench.run(lambda bench, _: bench)
    (loaded,) = await asyncio.to_thread(bench.loader.load, [whole], time.perf_counter())
    return loaded


async def _picture(request: Request) -> Response:
    """An attachment of the post that a case is about, whatever has its id by now."""
    _, kept = await parts(request).cases.get(_id(request))
    return await served(request, kept)


async def _decide(request: Request) -> Response:
    asked = await read(request, _Decision)
    user, cases, journal = _user(request), parts(request).cases, parts(request).journal
    case, kept = await cases.claim(_id(request), user)
    first = await cases.first(case.id)
    rule = asked.rule or _leading(case)
    if rule is not None and rule not in {each.id for each in case.verdict.rules}:
        raise InputError("unknown_rule", f"the verdict has no rule {rule}")
    review = Review(
        id=uuid.uuid4().hex,
        post_id=case.verdict.post_id,
        verdict_id=case.id,
        decision=asked.decision,
        reviewer=user,
        at=datetime.now(UTC),
        rule=rule,
        labels=labels_of(asked.decision, case.verdict, rule),
        note=asked.note,
        seconds=round(asked.seconds, 1),
        second=first is not None,
        policy=case.verdict.policy,
        post=await _whole_if_it_can_be_had(request, kept),
    )
    # To Kafka first: a decision that is not kept must not take a post off the queue.
    await journal.publish(review)
    await cases.done(
        Decided(review=review.id, decision=asked.decision, case=case, post=kept, first=first), user
    )
    await journal.count(review, 1, _pair(first, asked.decision))
    await journal.remember(review)
    return reply({"review": review.id})


async def _undo(request: Request) -> Response:
    user, cases, journal = _user(request), parts(request).cases, parts(request).journal
    last = await cases.last(user)
    if last is None:
        raise InputError("nothing", "there is nothing of yours to undo")
    review = Review(
        id=uuid.uuid4().hex,
        post_id=last.case.verdict.post_id,
        verdict_id=last.case.id,
        decision="undo",
        reviewer=user,
        at=datetime.now(UTC),
        undoes=last.review,
        policy=last.case.verdict.policy,
    )
    await journal.publish(review)
    await cases.undone(last, user)
    taken_back = msgspec.structs.replace(review, decision=last.decision)
    await journal.count(taken_back, -1, _pair(last.first, last.decision))
    await journal.remember(review)
    return reply({"id": last.case.id})


def _user(request: Request) -> str:
    name: str = request.user.display_name
    return name


def _id(request: Request) -> str:
    found: str = request.path_params["case"]
    return found


def _leading(case: Case) -> str | None:
    """The rule that a decision is about unless the moderator chooses another."""
    acting = [each for each in case.verdict.rules if not each.shadow]
    best = max(acting or case.verdict.rules, key=lambda each: each.score, default=None)
    return best.id if best else None


def _pair(first: First | None, decision: str) -> str | None:
    return f"{first.decision}|{decision}" if first else None


async def _whole_if_it_can_be_had(request: Request, kept: KeptPost | None) -> Post | None:
    if kept is None:
        return None
    try:
        return await original(parts(request).settings, kept)
    except TransientError:  # the decision counts without it
        return None


async def held(_: Request, error: Exception) -> Response:
    """The answer to who asks for a post that another moderator has."""
    assert isinstance(error, HeldError)
    return reply({"error": str(error), "holder": error.holder}, 409)


def _routes() -> Any:
    who: Final = "moderator"
    return [
        get("/review", _page, who),
        get("/api/review", _list, who),
        post("/api/review/next", _next, who),
        post("/api/review/undo", _undo, who),
        get("/api/review/{case:str}/why", _why, who),
        get("/api/review/{case:str}/similar", _similar, who),
        get("/api/review/{case:str}/media/{place:str}", _picture, who),
        post("/api/review/{case:str}/claim", _claim, who),
        post("/api/review/{case:str}/release", _release, who),
        post("/api/review/{case:str}/decide", _decide, who),
    ]


PAGE: Final = Page("/review", "Review", _routes(), "moderator")
