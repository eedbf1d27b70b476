"""Policies, encoders, and what the encoders compute on."""

import io
import time

import numpy as np
from PIL import Image

from moderator.doctor.finding import Finding, fail, ok, warn
from moderator.encoders.base import Space
from moderator.encoders.load import load_space
from moderator.errors import InferenceError, ModelError, PolicyError
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
        space = load_space(settings.models, settings.provider)
    except ModelError as error:
        return [fail("models", str(error), "fetch them again, or set MODERATOR_MODELS")]
    found = [ok("models", f"{space.name}, digest {space.digest}, {space.dimensions} dimensions")]
    try:
        found.append(_text(space))
        if space.image is not None:
            found.append(_image(space))
    except InferenceError as error:
        found.append(fail("models", str(error), "export them anew: every post would go to review"))
    return [*found, _provider(space)]


def _text(space: Space) -> Finding:
    space.text.encode([_SENTENCE])  # the first run allocates
    began = time.perf_counter()
    vectors = space.text.encode([_SENTENCE]).vectors
    return ok("text encoder", _took(began, len(vectors[0])))


def _image(space: Space) -> Finding:
    assert space.image is not None
    file = io.BytesIO()
    Image.new("RGB", (256, 256), "grey").save(file, "PNG")
    pixels = [space.image.prepare(Image.open(file).convert("RGB"))]
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
