"""The map: recent posts and rules on a plane, clusters of them, and rules begun from those."""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from moderator.authoring.workbench import Workbench
from moderator.console.corpus import MOST_POSTS
from moderator.console.pages import Page, get, parts, post, read, render, reply
from moderator.console.shown import latest_actions, shown
from moderator.console.studio import studio
from moderator.console.workshop.atlas import Atlas, draw
from moderator.console.workshop.recent import RecentPosts
from moderator.console.workshop.seed import draft_from
from moderator.errors import InputError
from moderator.policy.compile import CompiledRules

_REFRESH_SECONDS: Final = 2.0
_NEAR: Final = 24  # posts of a cluster that is found by what lies near
_CONTRAST: Final = 4  # posts beside a selection that may be fine


class Chosen(msgspec.Struct, frozen=True):
    """Posts of the map, by key."""

    posts: list[str]


async def _page(request: Request) -> Response:
    return render(request, "map.html.j2", most=MOST_POSTS, author="author" in request.auth.scopes)


async def _map(request: Request) -> Response:
    corpus = studio(request).corpus
    left = await corpus.refresh(_REFRESH_SECONDS)
    actions = await latest_actions(parts(request).state, MOST_POSTS)

    def work(recent: RecentPosts, _: Workbench, rules: CompiledRules) -> dict[str, Any]:
        atlas = draw(recent.snapshot(), rules)
        if atlas is None:
            return {"posts": [], "rules": [], "left": left, "apart": len(recent.snapshot().posts)}
        return {
            "posts": [
                {"x": x, "y": y, "channels": channels, "post": shown(recent.kept(place), actions)}
                for place, (x, y), channels in zip(
                    atlas.places.tolist(), atlas.points.tolist(), atlas.channels, strict=True
                )
            ],
            "rules": [
                {"id": rule, "x": x, "y": y}
                for rule, (x, y) in zip(atlas.rules, atlas.rule_points.tolist(), strict=True)
            ],
            "left": left,
            "apart": len(recent.snapshot().posts) - len(atlas.places),
        }

    return reply(await corpus.run(work))


async def _near(request: Request) -> Response:
    key = request.path_params["key"]

    def work(recent: RecentPosts, _: Workbench, rules: CompiledRules) -> list[str]:
        atlas, places = _drawn(recent, rules), _places(recent, [key])
        return [recent.kept(place).key for place in atlas.nearest(places[0], _NEAR)]

    return reply({"posts": await studio(request).corpus.run(work)})


async def _draft(request: Request) -> Response:
    chosen = await read(request, Chosen, 64 * MOST_POSTS)

    def work(recent: RecentPosts, _: Workbench, rules: CompiledRules) -> str:
        atlas, posts = _drawn(recent, rules), recent.snapshot().posts
        central = atlas.central(_places(recent, chosen.posts))
        around = atlas.nearest(central[0], len(central) + _CONTRAST) if central else []
        beside = [place for place in around if place not in central][:_CONTRAST]
        return draft_from(
            [posts[place].text or "" for place in central],
            [posts[place].text or "" for place in beside],
        )

    return reply({"draft": await studio(request).corpus.run(work)})


def _drawn(recent: RecentPosts, rules: CompiledRules) -> Atlas:
    atlas = draw(recent.snapshot(), rules)
    if atlas is None:
        raise InputError("gone", "there is no map any longer; load the page again")
    return atlas


def _places(recent: RecentPosts, keys: list[str]) -> list[int]:
    """Where posts stand in the snapshot. Raises InputError when none of them is there."""
    wanted = set(keys)
    posts = range(len(recent.snapshot().posts))
    places = [place for place in posts if recent.kept(place).key in wanted]
    if not places:
        raise InputError("gone", "newer posts took the place of these; load the map again")
    return places


PAGE: Final = Page(
    "/map",
    "Map",
    [
        get("/map", _page),
        get("/api/map", _map),
        get("/api/map/near/{key:str}", _near),
        post("/api/map/draft", _draft, "author"),
    ],
)
