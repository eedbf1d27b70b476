"""Losses of the image tower: contrast with texts, and what the published classifier knew."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SOFT_SHARE = 0.25
SOFT_TEMPERATURE = 0.12
PULL_WEIGHT = 0.2


def contrast(images: Tensor, texts: Tensor, positive: Tensor, scale: Tensor, batch: tuple[int, int]) -> Tensor:
    """Cross-entropy both ways with several positives and soft neighbours.

    images (b + m, d), texts (t + m, d) unit rows, positive (b + m, t + m) bool, batch (b, t): every class prompt
    and every caption is a candidate; what comes after the batch's own is a candidate only. An image's target is
    its own texts, softened by how alike the texts are, so that "a dog" is no full negative of "a golden retriever".
    """
    own_images, own_texts = batch
    logits = scale * images @ texts.T
    mine = positive[:own_images].float()
    own = mine / mine.sum(1, keepdim=True)
    with torch.no_grad():
        nearby = torch.softmax(F.normalize(own @ texts, dim=-1) @ texts.T / SOFT_TEMPERATURE, dim=-1)
        target = (1 - SOFT_SHARE) * own + SOFT_SHARE * nearby
    to_text = -(target * torch.log_softmax(logits[:own_images], 1)).sum(1).mean()
    present = positive[:own_images].any(0)
    present[own_texts:] = False
    back = positive[:, present].float()
    to_image = -(back / back.sum(0) * torch.log_softmax(logits[:, present], 0)).sum(0).mean()
    pull = 1 - (images[:own_images] @ texts.T * own).sum(1).mean()
    return to_text + 0.5 * to_image + PULL_WEIGHT * pull


def divergence(wanted: Tensor, logits: Tensor) -> Tensor:
    """Mean KL divergence of softmax(logits) (b, n) from the probabilities `wanted` (b, n)."""
    return F.kl_div(torch.log_softmax(logits, 1), wanted, reduction="batchmean")
