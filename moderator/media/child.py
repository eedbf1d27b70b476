"""A decoder process: `python -m moderator.media.child DESCRIPTOR MEMORY_BYTES SECONDS`.

It reads media from the socket that the worker left open for it, and answers each with pixels or an
error. It has little memory and time, writes no files, leaves no core dumps of what people sent, and
ends with the socket, which the kernel closes however the worker ends.
"""

import contextlib
import pickle
import resource
import signal
import socket
import sys
from typing import Final

from moderator.errors import MediaError, bug
from moderator.media.prepare import Preparation, Prepared
from moderator.media.wire import encode_reply, receive, send

_MAX_BYTES: Final = 2**31
_OPEN_FILES: Final = 64


def main(descriptor: int, memory_bytes: int, seconds: float) -> None:
    """Answer until the worker hangs up."""
    with socket.socket(fileno=descriptor) as worker, contextlib.suppress(EOFError, OSError):
        prepare: Preparation = pickle.loads(receive(worker))  # noqa: S301 - the worker's, see wire
        prepare.warm_up()
        _restrict(memory_bytes)
        send(worker, b"ready")
        while True:
            content = receive(worker, _MAX_BYTES)
            # No handler: the kernel ends us, also in the middle of a loop that is not Python's.
            signal.setitimer(signal.ITIMER_REAL, seconds)
            reply = encode_reply(_prepared(prepare, content))
            signal.setitimer(signal.ITIMER_REAL, 0)
            send(worker, reply)


def _restrict(memory_bytes: int) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_AS: memory_bytes,
    }
    for limit, value in limits.items():
        with contextlib.suppress(ValueError, OSError):  # macOS does not know RLIMIT_AS
            resource.setrlimit(limit, (value, value))


def _prepared(prepare: Preparation, content: bytes) -> Prepared | MediaError:
    try:
        return prepare(content)
    except MediaError as error:
        return error
    except MemoryError:
        return MediaError("image_too_large", "decoding needs more memory than a decoder may have")
    except Exception as error:  # noqa: BLE001 - a bug must cost the attachment, not the process
        return MediaError("internal_error", f"a bug: {bug(error)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
