"""The first page: what goes through, as it does."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from moderator.console.pages import Page, get, render


async def _page(request: Request) -> Response:
    return render(request, "live.html.j2")


PAGE: Final = Page("/", "Live", [get("/", _page)])
