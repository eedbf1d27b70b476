"""What a command of the command line left behind."""

from collections.abc import Callable
from typing import NamedTuple


class Ran(NamedTuple):
    code: int
    out: bytes
    err: str


Moderator = Callable[..., Ran]  # arguments, and `given` on standard input
