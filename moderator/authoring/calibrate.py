"""`moderator policy calibrate`: labelled posts to the probabilities of each rule and modality."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.beside import Beside, Decider
from moderator.authoring.fit import Fit, Floats, Labels, Method
from moderator.authoring.fitted import Fitted, fit_channels, lack
from moderator.authoring.head import Channels, Head
from moderator.authoring.labels import UNKNOWN, Labelled
from moderator.authoring.promise import Cut
from moderator.authoring.quality import Interval, quality
from moderator.authoring.targets import cuts_for_targets, threshold_of
from moderator.authoring.workbench import Corpus, Workbench
from moderator.authoring.zero_shot import Places, prompts_direction
from moderator.errors import PolicyError
from moderator.policy.calibration_file import (
    ChannelCalibration,
    RuleCalibration,
    beside_digest,
    encode_direction,
    rule_digest,
)
from moderator.policy.fields import BESIDE_HEAD, KEYWORDS
from moderator.policy.policyset import PolicySet, qualified_id
from moderator.policy.schema import Rule
from moderator.scoring.calibration import Curve, logit, sigmoid
from moderator.scoring.reliability import Bin, reliability

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
    cuts: Mapping[str, Cut] = field(default_factory=dict)  # by target
    unmet: bool = False  # it asks for a precision that cannot be promised
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
    decider = Decider(policies, labelled.posts, embedded, bench)
    found = []
    for column, (policy, rule) in enumerate(policies):
        labels = labelled.labels[:, column]
        if not (labels != UNKNOWN).any():
            continue
        name = qualified_id(policy, rule)
        try:
            work = _Work(name, rule, labels, decider.beside(policy, rule), embedded, bench)
            found.append(work.run(learn=learn, method=method))
        except PolicyError as error:
            found.append(Calibrated(name, *_counts(labels), refused=str(error)))
    return found


@dataclass(frozen=True)
class _Work:
    """One rule to calibrate."""

    name: str
    rule: Rule
    labels: Labels  # (posts,) with unknown ones
    beside: Beside
    embedded: Corpus
    bench: Workbench

    def run(self, *, learn: bool, method: Method) -> Calibrated:
        """Raises PolicyError where a threshold cannot be had."""
        # Where the rule is excused its scores decide nothing, so that labels tell nothing of them.
        told = np.where(self._known & ~self.beside.excused, self.labels, UNKNOWN)
        fitted = fit_channels(
            self.rule, told, self.embedded, self.bench, learn=learn, method=method
        )
        if not fitted.fits:
            return self._refused(*(fitted.lacks or [_UNREAD]), *self._left_out())
        calibrated = self._calibrated(fitted)
        if not learn or calibrated.calibration is None:
            return calibrated
        kept = [
            f"{name}: the prompts' own direction is at least as good as a learned one"
            for name, channel in calibrated.calibration.channels.items()
            if channel.direction is None
        ]
        return replace(calibrated, notes=(*kept, *calibrated.notes))

    @property
    def _known(self) -> NDArray[np.bool_]:
        """(posts,) those with a label that the rule judges."""
        return np.asarray((self.labels != UNKNOWN) & self.beside.judged)

    def _refused(self, *why: str) -> Calibrated:
        return Calibrated(self.name, *_counts(self.labels), refused="; ".join(why))

    def _left_out(self) -> Iterator[str]:
        """Yield what of the labelled posts is not in the figures."""
        labelled = int((self.labels != UNKNOWN).sum())
        if unread := int((self.embedded.unread & self._known).sum()):
            yield (
                f"{unread} of {labelled} labelled posts could not be read in full; a worker sends "
                "such posts to people, here they count by what could be read"
            )
        if outside := labelled - int(self._known.sum()):
            yield f"{outside} of {labelled} labelled posts are not for this rule, and left out"
        if excused := int((self.beside.excused & self._known).sum()):
            yield f"{excused} of {labelled} labelled posts are excused: the rule fires on none"

    def _calibrated(self, fitted: Fitted) -> Calibrated:
        posts, of = self._views(fitted)
        labels = self.labels[posts]
        held_out = of(fitted.log_odds(lambda fit: fit.log_odds))
        head, learnt = None, list[str]()
        if self.rule.fusion == "learned" and len(self.rule.channels) > 1:
            if missing := self._no_head(held_out, fitted, labels):
                return self._refused(*fitted.lacks, *self._left_out(), missing)
            head, log_odds = held_out.learned(self.rule, labels)
            learnt = [held_out.said(head, log_odds, labels)]
        else:
            log_odds = held_out.fused(self.rule)
        # Where posts will score from now on: a cut is for what is kept, not for what a fold had.
        settled = of(fitted.log_odds(lambda fit: fit.settled)).fused(self.rule, head)
        cuts, lacks = cuts_for_targets(self.rule, _probabilities(settled), labels)
        made = self._made(fitted, cuts, _weights(held_out.names, head), head)
        threshold = threshold_of(self.name, self.rule, made, self.bench)
        # What a rate comes to depends on the scores; a precision had no line before its labels.
        rate = getattr(self.rule.threshold, "rate", None)
        first = threshold_of(self.name, self.rule, None, self.bench) if rate else threshold
        scores = _probabilities(log_odds)
        return Calibrated(
            self.name,
            *_counts(self.labels),
            notes=(
                *fitted.lacks,
                *self._left_out(),
                *learnt,
                *lacks,
                *self._short_of(threshold, scores),
            ),
            before=quality(_probabilities(of(fitted.zero_shot).fused(self.rule)), labels, first),
            after=quality(scores, labels, threshold),
            bins=tuple(reliability(labels, scores)),
            cuts=cuts,
            unmet=bool(lacks),
            calibration=made,
        )

    def _short_of(self, threshold: float, scores: Floats) -> Iterator[str]:
        """Yield what does not reach the threshold and should."""
        if scores.max() < threshold:
            yield f"no labelled post reaches the threshold of {threshold:g}; lower it"
        sure = self.beside.keywords[self._known & np.isfinite(self.beside.keywords)]
        if short := int((sure < logit(threshold)).sum()):
            yield (
                f"{short} labelled posts have keywords that score less than the threshold of "
                f"{threshold:g}: those alone do not reach it"
            )

    def _views(self, fitted: Fitted) -> tuple[Places, Callable[[Mapping[str, Floats]], Channels]]:
        """The posts that count, and what puts log-odds by channel side by side for them.

        Keywords are one channel more. What is excused has none, so that the rule does not fire.
        """
        excused = np.flatnonzero(self._known & self.beside.excused)
        found = self._known & ~self.beside.excused & np.isfinite(self.beside.keywords)
        keywords = np.flatnonzero(found)
        posts = np.unique(np.concatenate([excused, keywords, *fitted.places.values()]))

        def of(log_odds: Mapping[str, Floats]) -> Channels:
            channels = {name: (log_odds[name], each) for name, each in fitted.places.items()}
            if len(keywords):
                channels[KEYWORDS] = self.beside.keywords[keywords], keywords
            return Channels.of(channels, posts)

        return posts, of

    def _made(
        self,
        fitted: Fitted,
        cuts: Mapping[str, Cut],
        weights: Mapping[str, float],
        head: Head | None,
    ) -> RuleCalibration:
        violates, allows = _counts(self.labels)
        return RuleCalibration(
            digest=rule_digest(self.rule),
            beside=beside_digest(self.rule),
            channels={name: self._channel(fit, name) for name, fit in fitted.fits.items()},
            targets={name: cut.score for name, cut in cuts.items()},
            weights=weights,
            bias=0.0 if head is None else head.bias,
            violates=violates,
            allows=allows,
        )

    def _channel(self, fit: Fit, channel: str) -> ChannelCalibration:
        own = prompts_direction(self.rule, channel, self.bench)
        learned = None if np.array_equal(fit.direction, own) else encode_direction(fit.direction)
        return ChannelCalibration(
            space=self.bench.channels[channel].digest,
            slope=fit.line.slope,
            intercept=fit.line.intercept,
            curve=() if fit.line.curve is None else _knots(fit.line.curve),
            direction=learned,
        )

    def _no_head(self, found: Channels, fitted: Fitted, labels: Labels) -> str | None:
        """Why no weights can be learned."""
        weighed = [name for name in self.rule.channels if name not in BESIDE_HEAD]
        missing = [name for name in weighed if name not in fitted.fits]
        if missing:
            few = "too few" if missing[0] in fitted.places else "none"
            return (
                f"`fusion: learned` needs labelled posts of every channel; {missing[0]} has {few}"
            )
        return lack(labels[found.complete], "posts with " + " and ".join(weighed))


def _counts(labels: Labels) -> tuple[int, int]:
    """How many posts violate, and how many are allowed."""
    return int((labels == 1).sum()), int((labels == 0).sum())


def _knots(curve: Curve) -> tuple[tuple[float, float], ...]:
    return tuple(zip(curve.at.tolist(), curve.log_odds.tolist(), strict=True))


def _weights(channels: Sequence[str], head: Head | None) -> dict[str, float]:
    if head is None:
        return {}
    pairs = zip(channels, map(float, head.weights), strict=True)
    return {name: weight for name, weight in pairs if name not in BESIDE_HEAD}


def _probabilities(log_odds: NDArray[np.floating]) -> Floats:
    return sigmoid(log_odds.astype(np.float32)).astype(np.float64)
