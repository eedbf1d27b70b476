"""Colours: a picture may be stored as one thing, and shown by its profile or gamma as another."""

import io
from typing import Final

import numpy as np
from PIL import Image, ImageCms

_MAX_PROFILE_BYTES: Final = 2**20
_MODES: Final = {"RGB": "RGB", "GRAY": "L"}  # of the colour spaces that profiles may name
_SCREEN: Final = 2.2
_MIN_GAMMA, _MAX_GAMMA = 1e-3, 1e3  # beyond, a file is broken rather than made to deceive
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
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODES[opened.profile.xcolor_space.strip()]
        sample = image.resize(_SAMPLE, Image.Resampling.BOX)
        ordinary = _alike(_converted(sample.convert(mode), opened), sample)
        return None if ordinary else _converted(image.convert(mode), opened)
    except (ImageCms.PyCMSError, KeyError, OSError, TypeError, ValueError):
        return None


def as_its_gamma_shows(image: Image.Image, gamma: float) -> Image.Image | None:
    """`image` as browsers show it by the `gAMA` of a PNG; None where that changes little.

    Levels are raised to 1 / (2.2 gamma): the way back from the file's samples to light, and on to
    a screen (PNG, third edition, 13.13). One far from the usual 0.45455 shows to people what is
    stored as almost white or almost black.
    """
    if not _MIN_GAMMA <= gamma <= _MAX_GAMMA:
        return None
    levels = (np.arange(256) / 255) ** (1 / (_SCREEN * gamma)) * 255
    shown = image.point([round(level) for level in levels] * len(image.getbands()))
    sample = [each.resize(_SAMPLE, Image.Resampling.BOX) for each in (shown, image)]
    return None if _alike(*sample) else shown


def _alike(one: Image.Image, other: Image.Image) -> bool:
    difference = np.asarray(one, np.int16) - np.asarray(other)
    return bool(np.abs(difference).mean() < _ABUSE_LEVELS)


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    assert shown is not None  # only in place it is
    return shown
