"""`moderator policy calibrate`: labelled posts to the probabilities of each rule and modality."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.fit import FOLDS, Fit, Floats, Labels, Method, fit_best, fit_prompts
from moderator.authoring.head import Channels, Head, Places
from moderator.authoring.isotonic import FEWEST as FEWEST_ISOTONIC
from moderator.authoring.labels import UNKNOWN, Labelled
from moderator.authoring.quality import Bin, Interval, quality, reliability
from moderator.authoring.targets import scores_for_targets, threshold_of
from moderator.authoring.workbench import Corpus, Workbench
from moderator.encoders.base import Matrix, Space, Vector
from moderator.errors import PolicyError
from moderator.policy.calibration_file import (
    ChannelCalibration,
    RuleCalibration,
    encode_direction,
    rule_digest,
)
from moderator.policy.fields import BESIDE_HEAD
from moderator.policy.policyset import PolicySet, qualified_id
from moderator.policy.schema import Rule
from moderator.scoring.calibration import Curve, sigmoid
from moderator.scoring.margin import direction

FEWEST = 2 * FOLDS
"""Labels of each kind that a rule needs in a channel: two for every fold."""

_UNREAD = "no labelled post has anything that the rule reads"


@dataclass(frozen=True)
class Calibrated:
    """What became of one rule."""

    rule: str  # policy/rule
    violates: int  # labelled posts
    allows: int
    refused: str | None = None  # why it was not calibrated, and what is needed
    notes: tuple[str, ...] = ()
    before: Mapping[str, Interval] = field(default_factory=dict)  # with the space's logistic
    after: Mapping[str, Interval] = field(default_factory=dict)  # out of fold
    bins: tuple[Bin, ...] = ()
    calibration: RuleCalibration | None = None


def calibrate(
    policies: PolicySet,
    labelled: Labelled,
    bench: Workbench,
    *,
    learn: bool = False,
    method: Method = "platt",
    progress: Callable[[int], None] = lambda _: None,
) -> list[Calibrated]:
    """Calibrate every rule that has labels. Raises InferenceError and StartupError."""
    embedded = bench.embed_all(labelled.posts, progress)
    found = []
    for column, (policy, rule) in enumerate(policies):
        labels = labelled.labels[:, column]
        if (labels != UNKNOWN).any():
            work = _Work(qualified_id(policy, rule), rule, labels, learn=learn, method=method)
            found.append(work.run(embedded, bench))
    return found


@dataclass(frozen=True)
class _Work:
    """One rule to calibrate."""

    name: str
    rule: Rule
    labels: Labels  # (posts,) with unknown ones
    learn: bool
    method: Method

    def run(self, embedded: Corpus, bench: Workbench) -> Calibrated:
        violates, allows = int((self.labels == 1).sum()), int((self.labels == 0).sum())
        fits: dict[str, tuple[Fit, Places]] = {}
        before: dict[str, Floats] = {}
        why: list[str] = []
        for channel in self.rule.reads:
            if channel not in bench.channels or not self.rule.prompts(channel)[0]:
                continue
            space = bench.channels[channel]
            prompts = prompts_direction(self.rule, channel, bench)
            vectors, posts = _decisive(embedded, channel, prompts)
            known = self.labels[posts] != UNKNOWN
            vectors, posts = vectors[known], posts[known]
            if not len(posts):
                continue  # no labelled post has this modality
            fewest = FEWEST_ISOTONIC if self.method == "isotonic" else FEWEST
            if lack := _lack(self.labels[posts], channel, fewest):
                why.append(lack)
                continue
            fit = self._fit(vectors, self.labels[posts], prompts, space, channel)
            if fit.line.slope <= 0:
                why.append(f"{channel}: posts labelled 1 score lower than those labelled 0")
                continue
            fits[channel] = fit, posts
            before[channel] = _before(vectors, prompts, space, channel)
        if not fits:
            return Calibrated(self.name, violates, allows, refused="; ".join(why) or _UNREAD)
        return self._calibrated(fits, before, bench, tuple(why), (violates, allows))

    def _fit(
        self, vectors: Matrix, labels: Labels, prompts: Vector, space: Space, channel: str
    ) -> Fit:
        fit = fit_best if self.learn else fit_prompts
        return fit(vectors, labels, prompts, space.calibration[channel], self.method)

    def _calibrated(
        self,
        fits: Mapping[str, tuple[Fit, Places]],
        before: Mapping[str, Floats],
        bench: Workbench,
        notes: tuple[str, ...],
        counts: tuple[int, int],
    ) -> Calibrated:
        posts = np.unique(np.concatenate([each for _, each in fits.values()]))
        labels = self.labels[posts]
        after = Channels.of({c: (fit.log_odds, each) for c, (fit, each) in fits.items()}, posts)
        earlier = Channels.of({c: (before[c], each) for c, (_, each) in fits.items()}, posts)
        head, learnt = None, list[str]()
        if self.rule.fusion == "learned" and len(self.rule.channels) > 1:
            if lack := self._no_head(after, labels):
                return Calibrated(self.name, *counts, refused="; ".join((*notes, lack)))
            head, log_odds = after.learned(self.rule, labels)
            learnt = [after.said(head, log_odds, labels)]
        else:
            log_odds = after.fused(self.rule)
        scores, old = _probabilities(log_odds), _probabilities(earlier.fused(self.rule))
        targets, lacks = scores_for_targets(self.rule, scores, labels)
        channels = {name: self._channel(fit, bench, name) for name, (fit, _) in fits.items()}
        kept = [
            f"{name}: the prompts' own direction is at least as good as a learned one"
            for name, channel in channels.items()
            if self.learn and channel.direction is None
        ]
        made = RuleCalibration(
            digest=rule_digest(self.rule),
            channels=channels,
            targets=targets,
            weights=_weights(after.names, head),
            bias=0.0 if head is None else head.bias,
            violates=counts[0],
            allows=counts[1],
        )
        try:
            threshold = threshold_of(self.name, self.rule, made, bench)
            # What a rate comes to depends on the scores; a precision had no line before its labels.
            rate = getattr(self.rule.threshold, "rate", None)
            first = threshold_of(self.name, self.rule, None, bench) if rate else threshold
        except PolicyError as error:
            return Calibrated(self.name, *counts, refused=str(error))
        if scores.max() < threshold:
            lacks.append(f"no labelled post reaches the threshold of {threshold:g}; lower it")
        return Calibrated(
            self.name,
            *counts,
            notes=(*notes, *kept, *learnt, *lacks),
            before=quality(old, labels, first),
            after=quality(scores, labels, threshold),
            bins=tuple(reliability(scores, labels)),
            calibration=made,
        )

    def _channel(self, fit: Fit, bench: Workbench, channel: str) -> ChannelCalibration:
        own = prompts_direction(self.rule, channel, bench)
        learned = None if np.array_equal(fit.direction, own) else encode_direction(fit.direction)
        return ChannelCalibration(
            space=bench.channels[channel].digest,
            slope=fit.line.slope,
            intercept=fit.line.intercept,
            curve=() if fit.line.curve is None else _knots(fit.line.curve),
            direction=learned,
        )

    def _no_head(self, found: Channels, labels: Labels) -> str | None:
        """Why no weights can be learned."""
        weighed = [name for name in self.rule.channels if name not in BESIDE_HEAD]
        missing = [name for name in weighed if name not in found.names]
        if missing:
            return f"`fusion: learned` needs labelled posts of every channel; {missing[0]} has none"
        return _lack(labels[found.complete], "posts with " + " and ".join(weighed))


def prompts_direction(rule: Rule, channel: str, bench: Workbench) -> Vector:
    """(dimensions,) the direction of a rule's prompts, as compiled without any labels."""
    neutral = bench.channels[channel].neutral
    violates, allows = rule.prompts(channel)
    vectors = bench.vectors(channel, (*violates, *allows, *neutral))
    contrast = np.stack([vectors[prompt] for prompt in (*allows, *neutral)])
    return direction(np.stack([vectors[prompt] for prompt in violates]), contrast)


def _decisive(embedded: Corpus, channel: str, along: Vector) -> tuple[Matrix, Places]:
    """Of each post the reading furthest along a direction, and which post it is."""
    readings = embedded.readings[channel]
    order = np.lexsort((-(readings.vectors @ along), readings.owners))
    owners = readings.owners[order]
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    return readings.vectors[order[first]], owners[first]


def _before(vectors: Matrix, prompts: Vector, space: Space, channel: str) -> Floats:
    from_space = space.calibration[channel]
    plain = (vectors @ prompts).astype(np.float64)
    background = from_space.background @ prompts
    z = (plain - background.mean()) / max(float(background.std()), 1e-6)
    return np.asarray(from_space.slope * z + from_space.intercept)


def _lack(labels: Labels, channel: str, fewest: int = FEWEST) -> str | None:
    """What labels are missing."""
    counts = {1: int((labels == 1).sum()), 0: int((labels == 0).sum())}
    short = [
        f"{fewest - count} more labelled {kind} (of {fewest}, there are {count})"
        for kind, count in counts.items()
        if count < fewest
    ]
    return f"{channel}: needs {' and '.join(short)}" if short else None


def _knots(curve: Curve) -> tuple[tuple[float, float], ...]:
    return tuple(zip(curve.at.tolist(), curve.log_odds.tolist(), strict=True))


def _weights(channels: Sequence[str], head: Head | None) -> dict[str, float]:
    if head is None:
        return {}
    pairs = zip(channels, map(float, head.weights), strict=True)
    return {name: weight for name, weight in pairs if name not in BESIDE_HEAD}


def _probabilities(log_odds: NDArray[np.floating]) -> Floats:
    return sigmoid(log_odds.astype(np.float32)).astype(np.float64)
