"""Crops that do, in a decoder process, what a hostile file may make a decoder do."""

import ctypes
import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def small(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.resize((4, 4)))


def by_colour(image: Image.Image) -> NDArray[np.uint8]:
    """Red crashes, green hangs, blue eats memory, yellow has a bug, magenta answers nonsense."""
    red, green, blue = (np.asarray(image.resize((1, 1)))[0, 0] > 100).tolist()
    match red, green, blue:
        case True, False, False:
            ctypes.string_at(0)  # a real segmentation fault
        case False, True, False:
            while True:
                pass
        case False, False, True:
            bytearray(2**40)
        case True, True, False:
            raise RuntimeError("a bug")
        case True, False, True:
            os.write(_socket(), b"\xff" * 64)
            time.sleep(10)
    return small(image)


def _socket() -> int:
    return int(Path("/proc/self/cmdline").read_text().split("\0")[4])


def surroundings(_: Image.Image) -> NDArray[np.uint8]:
    """Limits of core dumps and files; whether secrets, and whether a graph runner are there."""
    import sys  # noqa: PLC0415

    facts: list[Any] = [
        resource.getrlimit(resource.RLIMIT_CORE)[0],
        resource.getrlimit(resource.RLIMIT_FSIZE)[0],
        any(name.startswith("MODERATOR_") for name in os.environ),
        "onnxruntime" in sys.modules,
    ]
    return np.array(facts, np.uint8).reshape(1, 1, 4)
