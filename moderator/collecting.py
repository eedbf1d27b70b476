"""A rest for Python's search for cycles of objects that nobody holds any longer."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for none meanwhile.

    For work that makes hundreds of thousands of objects, none of them in a cycle: parsing policies
    takes a quarter less. Memory is freed as ever; only what is in cycles waits for the end.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
