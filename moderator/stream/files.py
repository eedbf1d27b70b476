"""Whether the files of a policy set have changed since they were read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from moderator.errors import PolicyError
from moderator.policy.files import policy_files
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet

_Fingerprint = Mapping[Path, tuple[int, int, int]]  # time in ns, bytes, inode


class FileWatch:
    """Loads policy files, and tells by their times and sizes when to load them again."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._besides = set[Path]()  # what policies include, and calibrations
        self._seen: _Fingerprint = {}
        self._pending: _Fingerprint | None = None

    def load(self) -> PolicySet:
        """Load the files as they are, and remember which they were. Raises PolicyError."""
        before = self._now()  # what is written from here on may not be what is read
        try:
            policies = load_policies(self._paths)
        except PolicyError as error:
            self._besides |= {problem.path for problem in error.problems}
            self._see(before)
            raise
        self._besides = set(policies.read)
        self._see(before)
        return policies

    def have_changed(self) -> bool:
        """True once what has changed stays as it is from one look to the next.

        A file that is being written may be valid half-way, with half of its rules.
        """
        now = self._now()
        if now == self._seen:
            self._pending = None
            return False
        if now != self._pending:
            self._pending = now
            return False
        self._seen, self._pending = now, None
        return True

    def _see(self, before: _Fingerprint) -> None:
        # Of files that only the reading has found there is no earlier look; those that were neither
        # there before nor read appeared meanwhile, and are a change.
        self._seen = {
            path: before.get(path, found)
            for path, found in self._now().items()
            if path in before or path in self._besides
        }

    def _now(self) -> _Fingerprint:
        try:
            files = {*policy_files(self._paths), *self._besides}
        except OSError:
            files = set(self._besides)
        return {path: _stat(path) for path in files}


def _stat(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
