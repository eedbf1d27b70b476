"""What a check found."""

from enum import StrEnum

import msgspec


class Status(StrEnum):
    """How it is, best first."""

    OK = "ok"
    UNKNOWN = "unknown"  # it could not be looked at
    WARN = "warn"  # a worker runs, but not as it should in production
    FAIL = "fail"  # a worker cannot work


class Finding(msgspec.Struct, frozen=True):
    """One line of the report."""

    check: str
    status: Status
    found: str
    advice: str = ""  # what to do about it


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Status.OK, found)


def warn(check: str, found: str, advice: str) -> Finding:
    """It works, for now."""
    return Finding(check, Status.WARN, found, advice)


def fail(check: str, found: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(check, Status.FAIL, found, advice)


def unknown(check: str, found: str, advice: str = "") -> Finding:
    """It could not be looked at."""
    return Finding(check, Status.UNKNOWN, found, advice)
