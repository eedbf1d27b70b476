"""Even out the activations before int8: SmoothQuant (Xiao et al. 2023, arXiv 2211.10438)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import torch
from teacher import embed
from torch import Tensor, nn
from vocabulary import open_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from minilm import Encoder

STRENGTH = 0.8  # of 0.35-1.0 the least drift on texts here; below 0.65 the weights suffer
CALIBRATION_TEXTS = 256


def input_peaks(encoder: Encoder, work: Path) -> dict[str, np.ndarray]:
    """Largest |input| of each channel of each linear layer over texts of the training corpus.

    The keys are module names ("layers.0.down"), the values (inside,) float32.
    """
    texts = json.loads((work / "corpus.json").read_text(encoding="utf-8"))
    texts = texts[:: len(texts) // CALIBRATION_TEXTS]
    rows = [e.ids for e in open_tokenizer(work / "tokenizer.json").encode_batch(texts)]
    peaks: dict[str, np.ndarray] = {}

    def watch(name: str) -> None:
        def record(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            peak = inputs[0].abs().amax((0, 1)).numpy()
            peaks[name] = np.maximum(peaks.get(name, peak), peak)

        handles.append(encoder.get_submodule(name).register_forward_pre_hook(record))

    handles: list = []
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Linear):
            watch(name)
    with torch.inference_mode():
        embed(encoder, rows, quiet=True)
    for handle in handles:
        handle.remove()
    return peaks


def divisor(peak: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """What to divide each input channel by (and multiply its row of `weight` by), (inside,) float32."""
    rows = np.maximum(np.abs(weight).max(axis=1), 1e-5)
    return (np.maximum(peak, 1e-5) ** STRENGTH / rows ** (1 - STRENGTH)).astype(np.float32)
