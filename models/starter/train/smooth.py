"""Even out the activations and fix their scales before int8: SmoothQuant (Xiao et al. 2023, arXiv 2211.10438)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from graph import Scaling
from teacher import pad
from vocabulary import open_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from minilm import Encoder

STRENGTH = 0.8  # of 0.35-1.0 the least drift on texts here; below 0.65 the weights suffer
CALIBRATION_TEXTS = 512
FOLDED = (".out", ".down")  # the layers before them even their inputs out
KEPT = 0.99999  # of the values within a scale; the few beyond are clipped


@torch.inference_mode()
def scalings(encoder: Encoder, work: Path) -> dict[str, Scaling]:
    """Divisor, scale and zero point of each linear layer's input, over texts of the training corpus.

    The keys are module names ("layers.0.down").
    """
    texts = json.loads((work / "corpus.json").read_text(encoding="utf-8"))
    texts = texts[:: len(texts) // CALIBRATION_TEXTS]
    rows = [e.ids for e in open_tokenizer(work / "tokenizer.json").encode_batch(texts)]
    layers = {name: module for name, module in encoder.named_modules() if isinstance(module, nn.Linear)}
    inputs = {name: np.concatenate(parts) for name, parts in _inputs(encoder, layers, rows).items()}
    found = {}
    for name, module in layers.items():
        x = inputs[name]
        parted = divisor(np.abs(x).max(axis=0), module.weight.detach().numpy().T)
        low, high = _range(x / parted)
        scale = (high - low) / 255
        found[name] = Scaling(
            parted, float(np.float32(scale)), round(-low / scale), evens_out=not name.endswith(FOLDED)
        )
    return found


def _inputs(encoder: Encoder, layers: dict[str, nn.Linear], rows: list[list[int]]) -> dict[str, list[np.ndarray]]:
    """What each layer is given, (tokens, inside) a text; one text at a time, so that none is padding."""
    seen: dict[str, list[np.ndarray]] = {name: [] for name in layers}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _module, given: seen[name].append(given[0].flatten(0, -2).numpy().copy())

    handles = [module.register_forward_pre_hook(watch(name)) for name, module in layers.items()]
    for row in rows:
        encoder(*pad([row]))
    for handle in handles:
        handle.remove()
    return seen


def _range(x: np.ndarray) -> tuple[float, float]:
    """The least and the largest value to be told apart; zero is among them."""
    low, high = np.quantile(x[:: max(1, len(x) // 4000)], [1 - KEPT, KEPT])
    return min(0.0, float(low)), max(0.0, float(high))


def divisor(peak: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """What to divide each input channel by (and multiply its row of `weight` by), (inside,) float32."""
    rows = np.maximum(np.abs(weight).max(axis=1), 1e-5)
    return (np.maximum(peak, 1e-5) ** STRENGTH / rows ** (1 - STRENGTH)).astype(np.float32)
