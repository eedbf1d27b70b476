"""Colour profiles: a picture may be stored as one thing and shown by its profile as another."""

import io
from typing import Final

import numpy as np
from PIL import Image, ImageCms

_MAX_PROFILE_BYTES: Final = 2**20
_SAMPLE: Final = (32, 32)
# Mean difference in levels. Wide-gamut photographs (Display P3, Adobe RGB) differ by under 10.
_ABUSE_LEVELS: Final = 24.0


def as_its_profile_shows(image: Image.Image, profile: bytes) -> Image.Image | None:
    """`image` in sRGB, if its profile makes something else of it; None for ordinary profiles.

    The models get the colours as they are stored, as the reference pipeline does. A profile made to
    invert them would show people one picture and the models another. A broken profile counts as
    none, as in browsers.
    """
    if len(profile) > _MAX_PROFILE_BYTES:
        return None
    try:
        sample = image.resize(_SAMPLE, Image.Resampling.BOX)
        difference = np.asarray(_converted(sample, profile), np.int16) - np.asarray(sample)
        if np.abs(difference).mean() < _ABUSE_LEVELS:
            return None
        return _converted(image, profile)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):  # also a profile of another mode
        return None


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(image, io.BytesIO(profile), srgb, outputMode="RGB")
    assert shown is not None  # only in place it is
    return shown
