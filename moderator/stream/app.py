"""The worker as a Faust application: life cycle, signals and web pages.

The only place that knows Faust. The hot path is a service inside the app with clients of its own:
12 to 19 times faster than Faust's agents, and free of their faults (`take` acknowledges batches
that raised; acknowledgements out of order commit past gaps; sends not awaited are lost).
"""

import asyncio
import io
import logging
import os
import socket
import threading
from collections.abc import Iterable
from typing import Any, cast

import faust
import mode
import uvloop
from faust.app.base import BootStrategy
from faust.web import Request, Response, View
from mode.types import ServiceT

from moderator.errors import StartupError
from moderator.logs import set_levels
from moderator.metrics import Metrics
from moderator.settings import Settings
from moderator.stream.hotpath import HotPath
from moderator.stream.watch import PolicyWatch
from moderator.stream.watchdog import watch

_EXIT_DRAIN_TIMED_OUT = 70
_GOODBYE_SECONDS = 8.0


class _Boot(BootStrategy):
    """Starts sensors, the web server and the hot path; Faust's own Kafka clients stay off."""

    enable_kafka = False

    def server(self) -> Iterable[ServiceT]:
        app = cast("_App", self.app)
        return self._chain(self.sensors(), self.web_server(), [app.hot_service])


class _App(faust.App):
    BootStrategy = _Boot
    hot_service: mode.Service

    async def on_first_start(self) -> None:
        """Faust would make a data folder for tables here; there are none."""


class _HotService(mode.Service):
    """Runs the hot path for as long as the app."""

    def __init__(
        self, hot_path: HotPath, policies: PolicyWatch | None, settings: Settings, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._hot_path = hot_path
        self._policies = policies
        self._stopping = False
        self._log_level = settings.log_level
        self._stall_seconds = settings.stall_seconds
        self._running: asyncio.Task[None] | None = None

    async def on_start(self) -> None:
        # Faust starts at INFO, see `_Worker`; from here on our level holds.
        set_levels(self._log_level)
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(self._ended)
        watch(self._hot_path, self._stall_seconds)

    async def _run(self) -> None:
        if self._policies is None:
            return await self._hot_path.run()
        await self._policies.start(lambda: self._stopping)
        watching = asyncio.create_task(self._policies.run())
        watching.add_done_callback(self._ended)
        try:
            await self._hot_path.run()
        finally:
            watching.cancel()

    async def on_stop(self) -> None:
        self._stopping = True
        self._hot_path.stop()
        if self._running is not None:
            await asyncio.wait([self._running])

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.add_future(self.crash(error))


def make_app(
    settings: Settings, hot_path: HotPath, metrics: Metrics, policies: PolicyWatch | None = None
) -> faust.App:
    """The Faust app; nothing is started."""
    app = _App(
        "moderator",
        broker=f"kafka://{settings.kafka}",
        store="memory://",
        web_bind=settings.web_host,
        web_port=settings.web_port,
        web_in_thread=True,  # health checks are answered while the loop is busy
        autodiscover=False,
        worker_redirect_stdouts=False,
    )
    app.hot_service = _HotService(hot_path, policies, settings, loop=None, beacon=app.beacon)
    _add_pages(app, hot_path, metrics, policies, settings.stall_seconds)
    return app


def _add_pages(
    app: faust.App,
    hot_path: HotPath,
    metrics: Metrics,
    policies: PolicyWatch | None,
    stall_seconds: float,
) -> None:
    @app.page("/health")
    async def health(view: View, _: Request) -> Response:
        stalled = hot_path.stalled_seconds
        if stalled < stall_seconds / 2:  # a probe may act before the worker itself does
            refused = policies.live.refusal if policies else None
            return view.text("alive\n" + (f"a policy was refused: {refused}\n" if refused else ""))
        return view.text(f"no post was answered for {stalled:.0f} s\n", status=503)

    @app.page("/ready")
    async def ready(view: View, _: Request) -> Response:
        if hot_path.ready:
            return view.text("ready\n")
        return view.text("waiting for Kafka or partitions\n", status=503)

    @app.page("/metrics")
    async def expose(view: View, request: Request) -> Response:
        page, content_type = metrics.page(
            request.headers.get("Accept", ""), cast("Any", request.query).getall("name[]", [])
        )
        return view.bytes(page, headers={"Content-Type": content_type})


class _Worker(faust.Worker):
    """Faust's worker with a bound on its shutdown, which has none of its own."""

    def __init__(self, app: faust.App, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        # At any other level than INFO, Faust leaves the root logger at DEBUG: 17 % more CPU.
        # Its escape sequences for terminals would land among the log lines.
        out = io.StringIO()
        super().__init__(
            app, loop=loop, loglevel="INFO", quiet=True, redirect_stdouts=False, stdout=out
        )
        self._most_seconds = settings.drain_seconds + _GOODBYE_SECONDS

    def _setup_logging(self) -> None:
        """Leave it as `moderator.logs` set it up: Faust would put handlers of its own there."""
        if not logging.getLogger().handlers:
            super()._setup_logging()

    def _schedule_shutdown(self, signal: Any) -> None:  # the one way both signals take
        timer = threading.Timer(self._most_seconds, os._exit, args=(_EXIT_DRAIN_TIMED_OUT,))
        timer.daemon = True
        timer.start()
        super()._schedule_shutdown(signal)


def run_worker(app: faust.App, settings: Settings) -> None:
    """Run until a signal; ends the process, at the latest a little after the drain time.

    Raises StartupError when the port of the pages is taken.
    """
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.web_host, settings.web_port))
    except OSError as error:
        raise StartupError(
            f"the worker's pages cannot be served on {settings.web_host}:{settings.web_port}: "
            f"{error.strerror}; set MODERATOR_WEB_PORT or --web-port to a free port"
        ) from error
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)  # Faust's services ask for it
    _Worker(app, settings, loop).execute_from_commandline()
