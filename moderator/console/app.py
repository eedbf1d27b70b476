"""The console's composition root: builds its parts, wires them, serves them."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Collection
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import jinja2
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from moderator.app import build_loader, build_workbench, decode_limits
from moderator.authoring.workbench import Workbench
from moderator.console import (
    atlas,
    difference,
    live,
    media,
    playground,
    policies,
    review,
    search,
    work,
)
from moderator.console.auth import backend
from moderator.console.bench import Bench
from moderator.console.cases import Cases, HeldError
from moderator.console.feed import Feed
from moderator.console.guard import Guard
from moderator.console.journal import Journal
from moderator.console.live import Hub
from moderator.console.media import Pictures
from moderator.console.pages import Page, render, reply, wants_page
from moderator.console.parts import Parts
from moderator.console.redis import connect
from moderator.console.state import State
from moderator.errors import InputError, StartupError, TransientError
from moderator.media.prepare import Preparation
from moderator.media.processes import DecoderProcesses, ProcessLimits
from moderator.settings import Settings

log = logging.getLogger(__name__)

PAGES: tuple[Page, ...] = (
    live.PAGE,
    review.PAGE,
    work.PAGE,
    policies.PAGE,
    playground.PAGE,
    difference.PAGE,
    atlas.PAGE,
    search.PAGE,
)

_FOLDER = Path(str(files("moderator.console")))
_DECODER_BYTES = 2 * 2**30
_GOODBYE_SECONDS = 2


def build_parts(
    settings: Settings, build_bench: Callable[[Settings], Workbench] = build_workbench
) -> Parts:
    """Everything that pages need; connects to nothing yet. Raises SettingsError."""
    state = State(connect(settings), settings.console_verdicts)
    cases = Cases(
        state,
        most=settings.console_queue,
        claim_seconds=settings.console_claim_seconds,
        second_look=settings.console_second_look_ratio,
    )
    feed = Feed(settings, state, cases.watch)
    preparation = Preparation(decode_limits(settings), media.SIDE, media.preview)
    limits = ProcessLimits(1, settings.decoder_seconds, _DECODER_BYTES)
    return Parts(
        settings=settings,
        state=state,
        cases=cases,
        journal=Journal(settings, state.redis),
        feed=feed,
        hub=Hub(state, cases, lambda: (feed.lag_posts, feed.trouble)),
        bench=Bench(settings, build_bench),
        pictures=Pictures(settings, build_loader(settings), DecoderProcesses(preparation, limits)),
        pages=PAGES,
        templates=Jinja2Templates(
            env=jinja2.Environment(
                loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
                autoescape=True,
                undefined=jinja2.StrictUndefined,
            )
        ),
    )


def make_app(parts: Parts) -> Starlette:
    """The application. Raises SettingsError for settings that would let anybody in."""
    settings = parts.settings
    secret = settings.console_secret
    secure = (settings.console_url or "").startswith("https:")
    app = Starlette(
        routes=_routes(parts),
        middleware=[
            Middleware(TrustedHostMiddleware, _hosts(settings), www_redirect=False),
            Middleware(
                SessionMiddleware,
                secret.get_secret_value() if secret else secrets.token_urlsafe(32),
                session_cookie="__Host-moderator" if secure else "moderator",
                max_age=int(settings.console_session_seconds),
                same_site="lax",  # strict would lose the session on the way back from signing in
                https_only=secure,
            ),
            Middleware(Guard),
            Middleware(AuthenticationMiddleware, backend=backend(settings)),
        ],
        exception_handlers={
            HTTPException: _refused,
            HeldError: review.held,
            InputError: _bad_input,
            TransientError: _away,
            StartupError: _away,
        },
        lifespan=_lifespan,
    )
    app.state.parts = parts
    return app


def run_console(settings: Settings) -> None:
    """Serve until a signal. Raises StartupError."""
    app = make_app(build_parts(settings))
    # What matters of these we say ourselves, on the pages too.
    logging.getLogger("uvicorn").setLevel("WARNING")
    logging.getLogger("aiokafka").setLevel("CRITICAL")
    log.info("the console is at http://%s:%s", settings.console_host, settings.console_port)
    uvicorn.run(
        app,
        host=settings.console_host,
        port=settings.console_port,
        loop="asyncio",  # uvloop closes handles of Kafka's clients that asyncio forgives
        log_config=None,
        access_log=False,  # addresses may hold what was searched for
        server_header=False,
        proxy_headers=False,  # the address that connects is what `auth.py` judges
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
    )


def _routes(parts: Parts) -> list[BaseRoute]:
    pages = [route for page in parts.pages for route in page.routes]
    routes: list[BaseRoute] = [
        Route("/health", _health),
        Mount("/static", StaticFiles(directory=_FOLDER / "static"), name="static"),
        *media.ROUTES,
        *pages,
    ]
    if parts.settings.console_auth == "oidc":
        from moderator.console.oidc import routes as signing_in

        routes += signing_in(parts.settings)
    return routes


def _hosts(settings: Settings) -> list[str]:
    """Names the console answers to: another one may be a stranger's, rebound to our address."""
    named = urlsplit(settings.console_url or "").hostname
    return [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "::1",
        settings.console_host,
        *([named] if named else []),
    ]


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    tasks = [asyncio.create_task(parts.feed.run()), asyncio.create_task(parts.hub.run())]
    try:
        yield
    finally:
        parts.feed.stop()
        await asyncio.wait(tasks[:1], timeout=_GOODBYE_SECONDS)
        await _ended(tasks)
        await asyncio.to_thread(parts.bench.close)
        await asyncio.to_thread(parts.pictures.close)
        await parts.journal.close()
        await parts.state.redis.aclose()


async def _ended(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel until they are: a client that is closing may take a cancellation for its own."""
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=1)


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _told(request, error.status_code, error.detail)


async def _bad_input(request: Request, error: Exception) -> Response:
    return _told(request, 400, str(error))


async def _away(request: Request, error: Exception) -> Response:
    return _told(request, 503, str(error))


def _told(request: Request, status: int, message: str) -> Response:
    if wants_page(request):
        return render(request, "refused.html.j2", status, message=message)
    return reply({"error": message}, status)
