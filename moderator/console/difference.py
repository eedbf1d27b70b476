"""What a draft would change: the policies in force and the draft on the same recent posts."""

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from moderator.authoring.comparison_text import as_json
from moderator.console.corpus import MOST_POSTS
from moderator.console.pages import Page, get, post, read, render
from moderator.console.playground import MOST_BYTES, Asked, answered
from moderator.console.studio import studio
from moderator.console.workshop.change import compare_draft
from moderator.console.workshop.trial import Drafts

_REFRESH_SECONDS: Final = 2.0
_SAMPLES: Final = 5


async def _page(request: Request) -> Response:
    return render(request, "difference.html.j2", most=MOST_POSTS)


async def _compare(request: Request) -> Response:
    asked = await read(request, Asked, MOST_BYTES)
    corpus = studio(request).corpus
    left = await corpus.refresh(_REFRESH_SECONDS)

    def work(drafts: Drafts) -> dict[str, Any]:
        store = corpus.made(drafts.bench).snapshot()
        found = compare_draft(drafts, asked.draft, store, _SAMPLES)
        return {"comparison": json.loads(as_json(found)), "left": left}

    return await answered(request, work)


PAGE: Final = Page(
    "/policies/diff",
    "Compare",
    [
        get("/policies/diff", _page, "author"),
        post("/api/policies/diff", _compare, "author"),
    ],
    "author",
)
