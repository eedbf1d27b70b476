"""The cores that this process may use."""

import os


def usable_cores() -> int:
    """Those a container or taskset leaves us, where the system tells; else the machine's."""
    if hasattr(os, "sched_getaffinity"):  # Linux only
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
