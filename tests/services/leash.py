"""Run a command that cannot outlive whoever started it: ``python leash.py COMMAND…``.

The starter keeps the other end of our standard input. A forked watcher reads it; at end of file,
which the kernel delivers however the starter died, it kills the command. The command keeps the
process id that the starter knows. PR_SET_PDEATHSIG would be shorter, but it is Linux only and
fires when the starting *thread* ends, which a service started from a thread pool would meet.
"""

import os
import signal
import sys


def _watch(service_pid: int) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    # Once the service is gone its number may belong to a stranger; then it is not our parent.
    if os.getppid() == service_pid:
        os.kill(service_pid, signal.SIGKILL)


def main() -> None:
    """Fork the watcher, then become the command."""
    service_pid = os.getpid()
    if os.fork() == 0:
        _watch(service_pid)
        os._exit(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
