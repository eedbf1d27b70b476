"""`NAME.calibration.yaml` beside `NAME.yaml`: what `policy calibrate` learnt from labels.

It is never written by hand and never into the policy. Each rule has the digest of what it was made
for; a rule that has changed since is judged as if it had no calibration, and a warning says so.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator

from moderator.encoders.base import are_unit
from moderator.errors import PolicyError
from moderator.policy.fields import PROMPTED
from moderator.policy.levels import Target
from moderator.policy.model import Model
from moderator.policy.schema import Rule
from moderator.policy.yaml.document import parse
from moderator.policy.yaml.nodes import DocumentError

SUFFIX = ".calibration.yaml"
MAX_BYTES = 64 * 2**20

Finite = Annotated[float, Field(allow_inf_nan=False)]
Score = Annotated[float, Field(gt=0, lt=1)]


class ChannelCalibration(Model):
    """One rule in one channel: log-odds = slope · z + intercept, z the standardised margin."""

    space: str
    """The digest of the space it was made in; in another one it says nothing."""

    slope: Annotated[Finite, Field(gt=0)]
    """By how much the log-odds rise per spread of the background sample."""

    intercept: Finite
    """The log-odds of a margin as large as the background's mean."""

    curve: tuple[tuple[Finite, Finite], ...] = ()
    """With `--method isotonic`, the knots of a rising line from those log-odds to better ones."""

    direction: str | None = None
    """A learned direction in place of the prompts' one: little-endian float32 in base64."""

    @field_validator("curve")
    @classmethod
    def _rises(cls, curve: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        knots = np.array(curve, np.float64).reshape(-1, 2)
        at, log_odds = np.diff(knots, axis=0).T
        if len(knots) == 1 or (at <= 0).any() or (log_odds < 0).any():
            raise ValueError("`curve` does not rise from knot to knot")
        return curve

    @property
    def vector(self) -> NDArray[np.float32] | None:
        """(dimensions,) float32, unit length; None where the prompts' direction is kept.

        Raises ValueError for what is no unit vector.
        """
        if self.direction is None:
            return None
        try:
            vector = np.frombuffer(base64.b64decode(self.direction, validate=True), "<f4")
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"`direction` is not base64 of float32: {error}") from error
        if not are_unit(vector):
            raise ValueError("`direction` is not a vector of length 1")
        return vector.astype(np.float32)


def encode_direction(vector: NDArray[np.float32]) -> str:
    """The text form of a (dimensions,) unit vector."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


class RuleCalibration(Model):
    """What labels say about one rule."""

    digest: str
    """The `rule_digest` of the rule it was made for."""

    beside: str = ""
    """The `beside_digest` of the rule its targets were found for."""

    channels: Mapping[str, ChannelCalibration] = Field(default_factory=dict)
    """By channel: text, image, ocr. That of text serves ocr, too, where ocr has none."""

    targets: Mapping[str, Score] = Field(default_factory=dict)
    """The score that reaches a target, by its name, such as `precision 0.95`."""

    weights: Mapping[str, Annotated[Finite, Field(ge=0)]] = Field(default_factory=dict)
    """With `fusion: learned`, the weight of each channel's log-odds."""

    bias: Finite = 0.0
    """With `fusion: learned`, what is added to the weighted log-odds."""

    violates: Annotated[int, Field(ge=0)] = 0
    """How many labelled posts broke the rule."""

    allows: Annotated[int, Field(ge=0)] = 0
    """How many labelled posts did not."""

    def score_for(self, target: Target) -> float | None:
        """The score that reaches a target; None where it was not calibrated for."""
        return self.targets.get(target.key)


class CalibrationFile(Model):
    """A whole file."""

    calibration: str
    """The name of the policy."""

    made: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """When."""

    rules: Mapping[str, RuleCalibration]
    """By rule id."""

    def fresh(self, rule: Rule) -> RuleCalibration | None:
        """The calibration of a rule; None where there is none or the rule has changed since."""
        found = self.rules.get(rule.id)
        return found if found is not None and found.digest == rule_digest(rule) else None


def rule_digest(rule: Rule) -> str:
    """32 hex digits over what a rule's scores depend on: its prompts by channel, its fusion.

    Texts in images have the prompts of texts, and say nothing more. Weights only tell where the
    fusion has any.
    """
    channels = sorted({PROMPTED[channel] for channel in rule.channels})
    told: list[object] = [
        rule.fusion,
        *((channel, *rule.prompts(channel)) for channel in channels),
    ]
    if rule.fusion == "weighted" and rule.weights:
        told.append(sorted(rule.weights.items()))
    return blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()


def beside_digest(rule: Rule) -> str:
    """32 hex digits over what else decides where a rule fires, whatever its sentences say."""
    told = rule.model_dump_json(include={"keywords", "excepts", "applies_to"})
    return blake2b(told.encode(), digest_size=16).hexdigest()


def lacking(rule: Rule, file: CalibrationFile | None) -> Iterator[tuple[str, str]]:
    """Yield each key of a rule that its calibration does not, or no longer, serve, and why."""
    fresh = file.fresh(rule) if file is not None else None
    changed = file is not None and fresh is None and rule.id in file.rules
    why = "the rule has changed since its calibration" if changed else "it has no calibration"
    run = "run `moderator policy calibrate`"
    if changed:
        yield "id", f"`{rule.id}`: {why}, which is not used; {run} again"
    if fresh is not None and fresh.targets and fresh.beside not in ("", beside_digest(rule)):
        what = "its keywords, exceptions or scope have changed since its calibration"
        yield "id", f"`{rule.id}`: {what}, so that its precision may be another; {run} again"
    for key, value in (("threshold", rule.threshold), ("review_at", rule.review_at)):
        if (
            isinstance(value, Target)
            and value.precision is not None
            and (fresh is None or fresh.score_for(value) is None)
        ):
            # Calibrated, but not for this: say so in its own words.
            lack = why if fresh is None else f"it was not calibrated for `{value.key}`"
            yield key, f"`{key}` of `{rule.id}` needs labelled posts: {lack}; {run}"
    if rule.fusion == "learned" and (fresh is None or not fresh.weights):
        yield "fusion", f"`fusion: learned` of `{rule.id}` needs labelled posts: {why}; {run}"


def calibration_path(policy: Path) -> Path:
    """Where the calibration of a policy file lies: beside it."""
    return policy.with_name(policy.stem + SUFFIX)


def read_calibration(path: Path) -> CalibrationFile:
    """Read a calibration file. Raises PolicyError, whose message says to calibrate again."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PolicyError(f"{path}: larger than {MAX_BYTES // 2**20} MiB; calibrate again")
        root, findings = parse(path.read_text(encoding="utf-8"), max_nodes=10_000_000)
    except (OSError, UnicodeDecodeError, DocumentError) as error:
        raise PolicyError(f"{path}: cannot be read: {error}") from error
    try:
        if findings or root is None:
            raise PolicyError(f"{path}: is no calibration; run `moderator policy calibrate` again")
        file = CalibrationFile.model_validate(root.value)
        for rule in file.rules.values():
            for channel in rule.channels.values():
                _ = channel.vector
    except ValueError as error:
        said = _first(error) if isinstance(error, ValidationError) else str(error)
        raise PolicyError(
            f"{path}: {said}; it is written by `moderator policy calibrate`, run that again"
        ) from error
    return file


def write_calibration(path: Path, file: CalibrationFile) -> None:
    """Write a calibration whole or not at all: YAML of one line per rule, to be compared by line.

    Raises OSError.
    """
    data = file.model_dump(mode="json", exclude_defaults=False, exclude_none=True)
    lines = [
        "# Written by `moderator policy calibrate`; do not edit, run it again instead.",
        f"calibration: {json.dumps(data['calibration'])}",
        f"made: {json.dumps(data['made'])}",
        "rules:" if data["rules"] else "rules: {}",
        *(f"  {json.dumps(name)}: {json.dumps(rule)}" for name, rule in data["rules"].items()),
    ]
    partial = path.with_name(path.name + ".partial")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(path)


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
