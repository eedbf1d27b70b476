"""The blocks from CUT on, as matrix products: on maps of 4 x 4 they train twice as fast as convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from tower import CUT

if TYPE_CHECKING:
    from tower import Backbone, Block, Convolution


def places(side: int, kernel: int) -> Tensor:
    """Which weight of a kernel leads from each place to each other, kernel ** 2 where none does (area, area)."""
    across = torch.arange(side)
    offset = across[None, :] - across[:, None] + kernel // 2  # (to, from)
    inside = (offset >= 0) & (offset < kernel)
    down, right = offset.repeat_interleave(side, 0).repeat_interleave(side, 1), offset.repeat(side, side)
    both = inside.repeat_interleave(side, 0).repeat_interleave(side, 1) & inside.repeat(side, side)
    return torch.where(both, down * kernel + right, kernel**2)


def depthwise(x: Tensor, module: Convolution) -> Tensor:
    """(channels, batch, area) -> the same shape, each channel filtered."""
    weight, bias = module.folded()
    padded = F.pad(weight.flatten(1), (0, 1))
    product = padded[:, places(round(x.shape[2] ** 0.5), module.conv.kernel_size[0])]  # (channels, to, from)
    return F.relu6(torch.baddbmm(bias[:, None, None], x, product.transpose(1, 2)))


def pointwise(x: Tensor, module: Convolution) -> Tensor:
    """(inside, batch, area) -> (outside, batch, area)."""
    weight, bias = module.folded()
    x = torch.addmm(bias[:, None], weight.flatten(1), x.flatten(1)).unflatten(1, x.shape[1:])
    return x if module.linear else F.relu6(x)


def block(x: Tensor, module: Block) -> Tensor:
    """(inside, batch, area) -> (outside, batch, area); the block's stride must be 1."""
    assert module.expand is not None
    narrow = pointwise(depthwise(pointwise(x, module.expand), module.depthwise), module.project)
    return x + narrow if module.residual else narrow


def upper(maps: Tensor, backbone: Backbone, tuned: int) -> Tensor:
    """Maps before block CUT -> (batch, 1280); gradients reach the top and the last `tuned` blocks only.

    Channels come first in between, so that no product has to move anything.
    """
    x, first = maps.flatten(2).transpose(0, 1).contiguous(), len(backbone.blocks) - tuned
    with torch.no_grad():
        for module in backbone.blocks[CUT:first]:
            x = block(x, module)
    for module in backbone.blocks[first:]:
        x = block(x, module)
    return pointwise(x, backbone.top).float().mean(2).T
