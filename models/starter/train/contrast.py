"""Losses of the image tower: contrast with texts, and what the published classifier knew."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SOFT_SHARE = 0.25
SOFT_TEMPERATURE = 0.12
PULL_WEIGHT = 0.2


def contrast(images: Tensor, texts: Tensor, positive: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy both ways with several positives and soft neighbours.

    images (b, d), texts (t, d) unit rows, positive (b, t) bool: every class prompt and every caption of
    the batch is a candidate. An image's target is its own texts, softened by how alike the texts are,
    so that "a dog" is no full negative of "a golden retriever".
    """
    logits = scale * images @ texts.T
    own = positive.float() / positive.sum(1, keepdim=True)
    with torch.no_grad():
        nearby = torch.softmax(F.normalize(own @ texts, dim=-1) @ texts.T / SOFT_TEMPERATURE, dim=-1)
        target = (1 - SOFT_SHARE) * own + SOFT_SHARE * nearby
    to_text = -(target * torch.log_softmax(logits, 1)).sum(1).mean()
    present = positive.any(0)
    back = positive[:, present].float()
    to_image = -(back / back.sum(0) * torch.log_softmax(logits[:, present], 0)).sum(0).mean()
    pull = 1 - (images @ texts.T * own).sum(1).mean()
    return to_text + 0.5 * to_image + PULL_WEIGHT * pull


def divergence(wanted: Tensor, logits: Tensor) -> Tensor:
    """Mean KL divergence of softmax(logits) (b, n) from the probabilities `wanted` (b, n)."""
    return F.kl_div(torch.log_softmax(logits, 1), wanted, reduction="batchmean")
