"""The image tower: a small residual network of dense 3x3 convolutions, fast in bf16 and in ONNX."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Plan:
    """Channels of the two stem convolutions; width and blocks of each stage."""

    stem: tuple[int, int] = (32, 64)
    widths: tuple[int, ...] = (64, 128, 256)
    depths: tuple[int, ...] = (2, 2, 3)
    stem_stride: int = 2
    dimensions: int = 384


def conv(inside: int, outside: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, then batch norm."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outside),
    )


class Residual(nn.Module):
    """Two dense 3x3 convolutions with a shortcut (He et al. 2016)."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.first = conv(inside, outside, 3, stride)
        self.second = conv(outside, outside, 3)
        nn.init.zeros_(self.second[1].weight)
        plain = stride == 1 and inside == outside
        self.shortcut = nn.Identity() if plain else conv(inside, outside, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inside, h, w) -> (batch, outside, h / stride, w / stride)."""
        return torch.relu(self.shortcut(x) + self.second(torch.relu(self.first(x))))


class Tower(nn.Module):
    """Normalised pixels to unit embeddings in the text encoder's space."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        first, second = plan.stem
        self.stem = nn.Sequential(conv(3, first, 3, 2), nn.ReLU(), conv(first, second, 3, plan.stem_stride), nn.ReLU())
        blocks, inside = [], second
        for stage, (width, depth) in enumerate(zip(plan.widths, plan.depths, strict=True)):
            for index in range(depth):
                blocks.append(Residual(inside, width, 2 if stage and index == 0 else 1))
                inside = width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(inside, plan.dimensions)

    def forward(self, pixels: Tensor) -> Tensor:
        """(batch, 3, S, S) float32 -> (batch, dimensions) float32, unit rows."""
        features = self.blocks(self.stem(pixels)).mean((2, 3))
        embeddings = self.head(features).float()
        return embeddings / embeddings.pow(2).sum(-1, keepdim=True).sqrt().clamp(min=1e-12)
