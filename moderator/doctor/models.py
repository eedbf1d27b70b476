"""Policies, encoders, and what the encoders compute on."""

import io
import time

import numpy as np
from PIL import Image

from moderator.app import build_reader, decode_limits, load_channels
from moderator.cache.memory import MemoryCache
from moderator.doctor.finding import Finding, fail, ok, warn
from moderator.encoders.base import Space
from moderator.errors import InferenceError, ModelError, PolicyError
from moderator.media.prepare import preparation_for
from moderator.metrics.gpu import nvidia_driver
from moderator.policy.load import load_policies
from moderator.settings import Settings

_SENTENCE = "An ordinary sentence, to see whether the encoder works."


def check_policies(settings: Settings) -> list[Finding]:
    """Whether they can be used."""
    try:
        policies = load_policies(settings.policies)
    except PolicyError as error:
        return [fail("policies", str(error), "mend them; `moderator policy check PATH` tells more")]
    said = f"{policies.name} version {policies.version}, {len(policies)} rules"
    return [ok("policies", f"{said}, digest {policies.digest}")]


def check_models(settings: Settings) -> list[Finding]:
    """Whether the encoders load and encode, and on what."""
    try:
        channels = load_channels(settings, MemoryCache(settings.cache_vectors))
    except ModelError as error:
        advice = "pull or fetch them again, or set MODERATOR_MODELS and MODERATOR_TEXT_MODELS"
        return [fail("models", str(error), advice)]
    spaces = {id(space): space for space in channels.values() if not space.reader}
    found = [
        ok("models", f"{space.name}, digest {space.digest}, {space.dimensions} dimensions")
        for space in spaces.values()
    ]
    try:
        found.append(_text(channels["text"]))
        if "image" in channels:
            found.append(_image(settings, channels["image"]))
        if reader := build_reader(settings):
            reader.warm_up()
            found.append(ok("text in images", reader.name))
    except ModelError as error:
        found.append(
            fail("text in images", str(error), "install it anew, or set MODERATOR_OCR=off")
        )
    except InferenceError as error:
        found.append(fail("models", str(error), "export them anew: every post would go to review"))
    return [*found, *map(_provider, spaces.values())]


def _text(space: Space) -> Finding:
    space.text.encode([_SENTENCE])  # the first run allocates
    began = time.perf_counter()
    vectors = space.text.encode([_SENTENCE]).vectors
    return ok("text encoder", _took(began, len(vectors[0])))


def _image(settings: Settings, space: Space) -> Finding:
    assert space.image is not None
    file = io.BytesIO()
    Image.new("RGB", (256, 256), "grey").save(file, "PNG")
    prepared = preparation_for(space.image, decode_limits(settings))(file.getvalue())
    pixels = [look.pixels for look in prepared.looks]
    space.image.encode(pixels)
    began = time.perf_counter()
    return ok("image encoder", _took(began, np.shape(space.image.encode(pixels))[1]))


def _took(began: float, dimensions: int) -> str:
    return f"{(time.perf_counter() - began) * 1000:.1f} ms alone, {dimensions} dimensions"


def _provider(space: Space) -> Finding:
    provider = getattr(space.text, "provider", "none")
    if provider == "CPUExecutionProvider" and nvidia_driver() is not None:
        advice = "install moderator[gpu] in place of moderator[cpu], or set MODERATOR_PROVIDER=cpu"
        return warn("provider", f"{provider}, but there is a GPU", advice)
    return ok("provider", provider)
