"""The playground: a text, an image, a draft, and every rule's score at once. It writes nothing."""

import io
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from ruamel.yaml import YAML
from starlette.requests import Request
from starlette.responses import Response

from moderator.authoring.scaffold import template
from moderator.console.pages import Page, get, post, read, render, reply
from moderator.console.studio import MOST_IMAGE_BYTES, studio
from moderator.console.workshop.trial import MAX_TEXT_CHARACTERS, Drafts, try_out, why
from moderator.errors import InputError, PolicyError
from moderator.policy.files import read_text
from moderator.policy.load import MAX_DRAFT_CHARACTERS
from moderator.policy.policyset import PolicySet
from moderator.policy.schema import Policy
from moderator.policy.yaml.nodes import DocumentError

T = TypeVar("T")

#: Of a request with a draft and a text, each character of which JSON may spell in six bytes.
MOST_BYTES: Final = 6 * (MAX_DRAFT_CHARACTERS + MAX_TEXT_CHARACTERS) + 2**12


class Asked(msgspec.Struct, frozen=True):
    """What is to be tried."""

    draft: str
    text: str | None = None
    image: str | None = None  # as /api/images named it
    rule: str | None = None


class Told(msgspec.Struct, frozen=True):
    """What is wrong with a draft, in the words of `policy check`. Line 0: the draft as a whole."""

    line: int
    column: int
    message: str
    excerpt: str


async def _page(request: Request) -> Response:
    policies = await studio(request).policies()
    names = [policy.name for policy in policies.policies]
    return render(request, "playground.html.j2", names=names, first=template("my-policy"))


async def _draft(request: Request) -> Response:
    policies = await studio(request).policies()
    return reply({"draft": _text_of(policies, request.query_params.get("policy", ""))})


async def _try(request: Request) -> Response:
    asked, text, image = await _asked(request)
    began = time.perf_counter()
    return await answered(
        request,
        lambda drafts: {
            "tried": try_out(drafts, asked.draft, text, image),
            "milliseconds": round((time.perf_counter() - began) * 1000),
        },
    )


async def _why(request: Request) -> Response:
    asked, text, image = await _asked(request)
    rule = asked.rule or ""
    return await answered(request, lambda drafts: why(drafts, asked.draft, text, image, rule))


async def _image(request: Request) -> Response:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_IMAGE_BYTES:
            limit = f"{MOST_IMAGE_BYTES // 2**20} MiB"
            raise InputError("too_large", f"an image may have {limit} here; choose a smaller one")
    if not content:
        raise InputError("empty", "the file is empty; choose another")
    return reply({"image": studio(request).images.put(content)})


async def answered(request: Request, work: Callable[[Drafts], T]) -> Response:
    """What the work makes of a draft, or what is wrong with the draft."""
    await studio(request).policies()  # what is wrong with these is not the draft's fault
    try:
        return reply(await studio(request).run(work))
    except PolicyError as error:
        problems = [Told(p.line, p.column, p.message, p.excerpt) for p in error.problems]
        return reply({"problems": problems or [Told(0, 0, str(error), "")]})


async def _asked(request: Request) -> tuple[Asked, str | None, bytes | None]:
    asked = await read(request, Asked, MOST_BYTES)
    if asked.text is not None and len(asked.text) > MAX_TEXT_CHARACTERS:
        limit = f"{MAX_TEXT_CHARACTERS:,} characters"
        raise InputError("too_large", f"the text is longer than {limit}; try a part of it")
    return asked, asked.text, studio(request).images.get(asked.image)


def _text_of(policies: PolicySet, name: str) -> str:
    """A policy as its file has it; written out where it includes others, as a draft cannot.

    Raises InputError for one that is not there.
    """
    policy = next((policy for policy in policies.policies if policy.name == name), None)
    if policy is None:
        raise InputError("unknown", "there is no such policy; load the page again")
    try:
        return _written_out(policy) if policy.include else read_text(policies.files[name])
    except DocumentError:  # it went away meanwhile
        return _written_out(policy)


def _written_out(policy: Policy) -> str:
    told: dict[str, Any] = policy.model_dump(
        mode="json",
        by_alias=True,
        exclude_defaults=True,
        exclude={"include", "prompts", "defaults"},
    )
    yaml = YAML()
    yaml.width = 100
    out = io.StringIO()
    yaml.dump(told, out)
    return out.getvalue()


PAGE: Final = Page(
    "/playground",
    "Playground",
    [
        get("/playground", _page, "author"),
        get("/api/playground/draft", _draft, "author"),
        post("/api/playground/try", _try, "author"),
        post("/api/playground/why", _why, "author"),
        post("/api/images", _image, "viewer"),
    ],
    "author",
)
