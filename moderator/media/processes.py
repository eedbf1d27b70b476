"""Decoding in processes of its own: a file that crashes a decoder costs its post, not the worker.

Not a pool from a library: those that can kill a task share pipes and locks between their processes,
and a process that dies at the wrong moment takes the whole pool with it (pebble's issues 153 and
163). Here each process has a socket of its own, and nothing is shared.
"""

import contextlib
import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from queue import LifoQueue
from typing import Final, Literal

from moderator.errors import MediaError, StartupError
from moderator.media.prepare import Preparation, Prepared
from moderator.media.wire import decode_reply, receive, send

log = logging.getLogger(__name__)

Reason = Literal["crashed", "timed_out"]

# Not the worker's whole environment, which has passwords in it.
_ENVIRONMENT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "TMPDIR")
_START_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 2.0  # after which a process that should have ended itself is killed


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What decoding one medium may cost. `memory_bytes` is address space, libraries included."""

    processes: int
    seconds: float = 20.0
    memory_bytes: int = 2 * 2**30


class DecoderProcesses:
    """A `MediaDecoder` over processes that start with the first media. Threads may share one.

    A process that dies or takes too long is replaced, and `on_restart` is told why.
    """

    def __init__(self, preparation: Preparation, limits: ProcessLimits) -> None:
        self.on_restart: Callable[[Reason], object] = lambda _: None
        self._setup = pickle.dumps(preparation)
        self._limits = limits
        self._idle: LifoQueue[_Child | None] = LifoQueue()
        for _ in range(limits.processes):
            self._idle.put(None)

    def start(self) -> None:
        """Start all processes now. Raises StartupError."""
        places = [self._idle.get() for _ in range(self._limits.processes)]
        try:
            for place, child in enumerate(places):
                places[place] = child or _Child(self._setup, self._limits)
        except (OSError, EOFError) as error:
            raise StartupError(
                f"a decoder process cannot be started: {error!r}; MODERATOR_DECODER_PROCESSES=0 "
                "decodes in the worker itself"
            ) from error
        finally:
            for child in places:
                self._idle.put(child)

    def prepare(self, content: bytes) -> Prepared:
        """See `MediaDecoder`. Codes of its own start with `decoder_`."""
        child = self._idle.get()
        try:
            if child is None or not child.alive:  # it may have been killed from outside
                child = _Child(self._setup, self._limits)
            return child.prepare(content)
        except _DiedError as died:
            child = None
            log.warning("a decoder process ended: %s; it is replaced", died)
            self.on_restart(died.reason)
            raise MediaError(f"decoder_{died.reason}", str(died)) from None
        except (OSError, EOFError) as error:
            child = None
            log.exception("a decoder process cannot be started")
            raise MediaError("decoder_unavailable", "no decoder process can be started") from error
        finally:
            self._idle.put(child)

    def close(self) -> None:
        """Let the processes end; waits for those that decode."""
        for _ in range(self._limits.processes):
            if child := self._idle.get():
                child.stop()
        for _ in range(self._limits.processes):
            self._idle.put(None)


class _DiedError(Exception):
    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class _Child:
    """One decoder process."""

    def __init__(self, setup: bytes, limits: ProcessLimits) -> None:
        """Raises OSError or EOFError when it does not start."""
        self._seconds = limits.seconds
        self._socket, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = _spawn(theirs, limits)
            except OSError:
                self._socket.close()
                raise
        # Also when nobody asks for it: at the end of the interpreter, and of whoever owns us.
        self.stop = weakref.finalize(self, _end, self._socket, self._process)
        try:
            send(self._socket, setup)
            receive(self._socket, seconds=_START_SECONDS)
        except (OSError, EOFError):
            self.stop()
            raise

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def prepare(self, content: bytes) -> Prepared:
        """Raises MediaError, and _DiedError when the process has to be replaced."""
        try:
            self._socket.settimeout(self._seconds + _GRACE_SECONDS)
            send(self._socket, content)
            reply = receive(self._socket, seconds=self._seconds + _GRACE_SECONDS)
            return decode_reply(reply)
        except MediaError:
            raise
        except TimeoutError:
            self._process.kill()
            self.stop()
            raise self._too_slow() from None
        except (EOFError, OSError, ValueError) as error:  # ValueError: it says what it should not
            self.stop()
            if self._process.returncode == -signal.SIGALRM:
                raise self._too_slow() from None
            how = "" if isinstance(error, EOFError) else f" ({type(error).__name__})"
            message = f"the decoder {_ending(self._process.returncode)} on this file{how}"
            raise _DiedError("crashed", message) from None
        except BaseException:
            self.stop()  # or its answer would be taken for that to the next file
            raise

    def _too_slow(self) -> _DiedError:
        return _DiedError("timed_out", f"the file took more than {self._seconds:g} s to decode")


def _spawn(theirs: socket.socket, limits: ProcessLimits) -> subprocess.Popen[bytes]:
    arguments = (theirs.fileno(), limits.memory_bytes, limits.seconds)
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
        [sys.executable, "-P", "-m", "moderator.media.child", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment | {"OPENBLAS_NUM_THREADS": "1"},
        pass_fds=(theirs.fileno(),),
        start_new_session=True,  # Ctrl-C is for the worker, which then drains
    )


def _end(connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """End a process, kindly at first: it ends by itself once nobody is there."""
    connection.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    if process.returncode is None:
        process.kill()
        process.wait()


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"ended with {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"was ended by signal {-returncode}"
