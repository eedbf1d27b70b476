"""Search: a sentence or an image finds recent posts, texts and images alike."""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from moderator.authoring.workbench import Workbench
from moderator.console.corpus import MOST_POSTS
from moderator.console.pages import Page, get, parts, post, read, render, reply
from moderator.console.shown import latest_actions, shown
from moderator.console.studio import studio
from moderator.console.workshop.recent import RecentPosts
from moderator.console.workshop.similar import ask, search
from moderator.errors import InputError
from moderator.policy.compile import CompiledRules

_REFRESH_SECONDS: Final = 1.0
_MOST: Final = 24
_CHARACTERS: Final = 2_000


class Query(msgspec.Struct, frozen=True):
    """What is looked for."""

    text: str | None = None
    image: str | None = None  # as /api/images named it


async def _page(request: Request) -> Response:
    return render(request, "search.html.j2", most=MOST_POSTS)


async def _search(request: Request) -> Response:
    query = await read(request, Query)
    text, image = (query.text or "").strip()[:_CHARACTERS], studio(request).images.get(query.image)
    corpus = studio(request).corpus
    left = await corpus.refresh(_REFRESH_SECONDS)
    actions = await latest_actions(parts(request).state, MOST_POSTS)

    def work(recent: RecentPosts, bench: Workbench, _: CompiledRules) -> dict[str, Any]:
        asked = ask(bench, text, image)
        if not asked:
            raise InputError("nothing_read", "nothing of this can be read; write or choose other")
        store = recent.snapshot()
        return {
            "found": [
                {
                    "post": shown(recent.kept(each.place), actions),
                    "channel": each.channel,
                    "cosine": round(each.cosine, 4),
                    "rarity": round(each.rarity, 2),
                }
                for each in search(store, bench, asked, _MOST)
            ],
            "posts": len(store.posts),
            "left": left,
        }

    return reply(await corpus.run(work))


PAGE: Final = Page(
    "/search",
    "Search",
    [get("/search", _page), post("/api/search", _search, "viewer")],
)
