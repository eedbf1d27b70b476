"""Photograph-like pictures, made from noise: compressible like photographs, nobody's property."""

import io

import numpy as np
from PIL import Image


def photograph(seed: int, side: int = 320) -> bytes:
    """A JPEG of smooth colour blobs with some grain."""
    random = np.random.default_rng(seed)
    blobs = Image.fromarray(random.integers(0, 255, (12, 12, 3), np.uint8))
    smooth = np.asarray(blobs.resize((side, side), Image.Resampling.BICUBIC), np.int16)
    grain = random.normal(0, 6, smooth.shape)
    stream = io.BytesIO()
    Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8)).save(
        stream, "JPEG", quality=85
    )
    return stream.getvalue()
