"""The machine: clock, permissions, port, cores."""

import ctypes
import os
import socket
from pathlib import Path

from moderator.doctor.finding import Finding, fail, ok, unknown, warn
from moderator.settings import Settings

_TIMEX_BYTES = 208  # struct timex on 64-bit Linux, see adjtimex(2)
_TIME_ERROR = 5  # what it returns while nothing synchronises the clock


def check_machine(settings: Settings) -> list[Finding]:
    """Everything that depends on neither Kafka nor models."""
    return [_clock(), _user(), _port(settings), _cores(settings), *_media_root(settings)]


def _clock() -> Finding:
    try:
        state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    except (OSError, AttributeError):
        state = -1
    if state < 0:
        return unknown("clock", "the kernel does not tell whether it is synchronised")
    if state == _TIME_ERROR:
        advice = "run chrony or ntpd on the host: latencies since the message's time would be wrong"
        return warn("clock", "nothing synchronises it", advice)
    return ok("clock", "synchronised")


def _user() -> Finding:
    if os.geteuid() == 0:
        return warn("user", "root", "run as a user of its own: it reads what strangers send")
    return ok("user", str(os.geteuid()))


def _port(settings: Settings) -> Finding:
    place = f"{settings.web_host}:{settings.web_port}"
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.web_host, settings.web_port))
    except OSError as error:
        advice = "if that is not a worker that runs already, set MODERATOR_WEB_PORT to a free port"
        return warn("pages", f"{place}: {error.strerror}", advice)
    return ok("pages", f"{place} is free")


def _cores(settings: Settings) -> Finding:
    batches = settings.batches_at_once
    return ok("cores", f"{batches} batches at once, {os.cpu_count()} cores in the machine")


def _media_root(settings: Settings) -> list[Finding]:
    if (root := settings.media_file_root) is None:
        return []
    if not root.is_dir() or not os.access(root, os.R_OK | os.X_OK):
        advice = "correct MODERATOR_MEDIA_FILE_ROOT, or let this user read it"
        return [fail("media folder", f"{Path(root)} cannot be read", advice)]
    return [ok("media folder", str(root))]
