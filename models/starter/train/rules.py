"""Rules as a policy compiles them, drawn anew at every step, and how well they rank a batch."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from moderator.encoders.background import NEUTRAL
from torch import Tensor

from subjects import FINE, SUBJECTS
from words import fill

SHARPNESS = 14.0  # of a difference of margins, as a logit
FILLINGS = 8  # of a prompt with slots
OWN_WORDS = 0.35  # how often posts of the batch stand among what a rule says is not wanted


@dataclass(frozen=True)
class Drawn:
    """A rule's sentences."""

    subject: str
    violates: list[str]
    allows: list[str]


def _filled() -> dict[str, tuple[str, ...]]:
    """Template -> the sentences it stands for: few and fixed, so that the teacher can embed them beforehand."""
    rng = random.Random(23)
    templates = [t for s in SUBJECTS.values() for t in (*s.violates, *s.allows)] + [*FINE, *NEUTRAL]
    return {
        t: tuple(sorted({fill(t, rng) for _ in range(FILLINGS)}) if "{" in t else (fill(t, rng),)) for t in templates
    }


SENTENCES = _filled()


def draw(subject: str, rng: random.Random) -> Drawn:
    """Two to five sentences that violate, up to four allowed, and some of the neutral ones."""
    prompts = SUBJECTS[subject]
    bad = rng.sample(prompts.violates, rng.randint(2, 5))
    good = rng.sample(prompts.allows, rng.randint(0, 4))
    good += rng.sample(FINE, rng.randint(0, 2)) + rng.sample(NEUTRAL, rng.randint(2, 4))
    return Drawn(subject, [rng.choice(SENTENCES[t]) for t in bad], [rng.choice(SENTENCES[t]) for t in good])


def ranking(rows: Tensor, says: Tensor, rules: list[Drawn], prompts: dict[str, Tensor],
            rng: random.Random) -> Tensor:  # fmt: skip
    """Mean over rules of the logistic loss of every pair of a text that says it and one that does not.

    `rows` (texts, width) unit, `says` (texts, rules) 1, 0 or -1 for unknown, `prompts` sentence -> (width,).
    """
    losses = []
    for column, rule in enumerate(rules):
        bad = [prompts[t] for t in rule.violates]
        yes = (says[:, column] == 1).nonzero().squeeze(1).tolist()
        no = (says[:, column] == 0).nonzero().squeeze(1)
        if len(yes) > 5 and rng.random() < OWN_WORDS:
            shown = rng.sample(yes, rng.randint(1, 3))
            yes = [i for i in yes if i not in shown]
            bad += [rows[i] for i in shown]
        if not yes or not len(no) or not bad or not rule.allows:
            continue
        direction = torch.stack(bad).mean(0) - torch.stack([prompts[t] for t in rule.allows]).mean(0)
        margins = rows @ F.normalize(direction, dim=0)
        gaps = margins[yes][:, None] - margins[no][None, :]
        losses.append(F.softplus(-SHARPNESS * gaps).mean())
    return torch.stack(losses).mean()
