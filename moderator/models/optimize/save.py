"""Write a graph in as many files as it takes."""

from pathlib import Path
from typing import Any, Final

import onnx

_MOST_BYTES: Final = 1_900_000_000  # a protocol buffer ends at 2 GiB


def save(model: Any, target: Path) -> None:
    """Write a model; the weights of a large one go into a file beside it."""
    large = model.ByteSize() > _MOST_BYTES
    location = f"{target.name}_data" if large else None
    onnx.save(model, target, save_as_external_data=large, location=location)
