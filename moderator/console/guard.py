"""What every answer and every request of the console goes through, whichever page it is.

The token against cross-site requests is a synchronizer token (OWASP): in the signed session and in
the page, and each request that is not a GET repeats it in a header, which no form can set.
"""

import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER: Final = "x-csrf-token"  # noqa: S105 - its name
_SAFE: Final = frozenset({"GET", "HEAD"})
_HEADERS: Final = {
    # Nothing inline, nothing from elsewhere, and no markup made from strings.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def csrf_token(request: Request) -> str:
    """The session's token, made with the first page."""
    token: str = request.session.get("csrf") or secrets.token_urlsafe(24)
    if "csrf" not in request.session:
        request.session["csrf"] = token
    return token


class Guard:
    """Refuses requests from other sites, and puts the headers on that keep browsers safe."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if why := _refused(scope):
            await JSONResponse({"error": why}, 403)(scope, receive, protected)
            return
        await self._app(scope, receive, protected)


def _refused(scope: Scope) -> str | None:
    """Why a request is not let in; None if it is."""
    headers = Headers(scope=scope)
    if scope["method"] in _SAFE:
        # A link to us is fine; what another site loads by itself would cost us work.
        embedded = headers.get("sec-fetch-mode", "navigate") != "navigate"
        abroad = headers.get("sec-fetch-site") == "cross-site"
        return "the request comes from another site" if abroad and embedded else None
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return "the request comes from another site"
    expected = scope["session"].get("csrf") or ""
    given = headers.get(TOKEN_HEADER, "")
    if not expected or not secrets.compare_digest(expected.encode(), given.encode()):
        return "the page is out of date; load it again"
    return None
