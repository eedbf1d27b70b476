"""What a page of the console is made of, and how it answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from moderator.console.guard import csrf_token
from moderator.errors import InputError

if TYPE_CHECKING:
    from moderator.console.parts import Parts

Role = Literal["viewer", "moderator", "author"]
T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Page:
    """A page with its place in the navigation."""

    path: str
    title: str
    routes: Sequence[Route]
    role: Role = "viewer"


def parts(request: Request) -> "Parts":
    """What the console is made of."""
    return cast("Parts", request.app.state.parts)


def get(path: str, handler: Handler, role: Role = "viewer") -> Route:
    """A route for those with a role."""
    return Route(path, _for(role, handler), methods=["GET"])


def post(path: str, handler: Handler, role: Role) -> Route:
    """A route that changes or costs something; the guard has looked at its token."""
    return Route(path, _for(role, handler), methods=["POST"])


def _for(role: Role, handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        if not request.user.is_authenticated:
            if parts(request).settings.console_auth == "oidc" and wants_page(request):
                # The path alone: behind a proxy that ends TLS we do not know the scheme.
                return RedirectResponse(request.url_for("sign_in").path)
            raise HTTPException(401, "nobody is signed in")
        if role not in request.auth.scopes:
            raise HTTPException(403, f"this is for those with the role {role}")
        return await handler(request)

    return guarded


def wants_page(request: Request) -> bool:
    """Whether a browser asks for a page, not a script for data."""
    return "text/html" in request.headers.get("accept", "")


def render(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page from a template, which also gets `user`, `pages`, `here` and `csrf`."""
    common = {
        "user": request.user,
        "pages": [page for page in parts(request).pages if page.role in request.auth.scopes],
        "here": request.url.path,
        "csrf": csrf_token(request),
        "signs_out": parts(request).settings.console_auth == "oidc",
    }
    templates = parts(request).templates
    return templates.TemplateResponse(request, template, common | values, status_code=status)


def reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Data, as JSON."""
    content = msgspec.json.encode(value)
    return Response(content, status, headers, media_type="application/json")


async def read(request: Request, kind: type[T], most_bytes: int = 2**16) -> T:
    """The request's JSON as a struct. Raises InputError."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > most_bytes:
            raise InputError("too_large", f"a request may have {most_bytes:,} bytes")
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("not_understood", f"not what was asked for: {error}") from error
