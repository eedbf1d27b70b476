"""The MiniLM encoder in plain torch: the teacher whole, the student with fewer layers and pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

if TYPE_CHECKING:
    from pathlib import Path

WINDOW_TOKENS = 256


@dataclass(frozen=True)
class Shape:
    """Sizes of an encoder; the defaults are all-MiniLM-L6-v2."""

    pieces: int = 30522
    positions: int = 512
    width: int = 384
    heads: int = 12
    inner: int = 1536
    layers: int = 6
    epsilon: float = 1e-12
    activation: str = "gelu"  # or "relu", whose int8 form needs no pass of its own


class Layer(nn.Module):
    """One post-norm BERT layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.activate = {"gelu": F.gelu, "relu": F.relu}[shape.activation]
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.norm_attention = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.up = nn.Linear(shape.width, shape.inner)
        self.down = nn.Linear(shape.inner, shape.width)
        self.norm_output = nn.LayerNorm(shape.width, eps=shape.epsilon)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """X (batch, tokens, width), bias (batch, 1, 1, tokens) added to the attention logits."""
        batch, tokens, width = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        # Written out: the fused CPU kernel's backward pass takes half of the whole training step.
        scale = (width // self.heads) ** -0.5
        logits = (q * scale) @ k.transpose(-1, -2) + bias.to(q.dtype)
        attended = torch.softmax(logits, dim=-1).to(v.dtype) @ v
        mixed = attended.transpose(1, 2).reshape(batch, tokens, width)
        x = self.norm_attention(x + self.out(mixed))
        return self.norm_output(x + self.down(self.activate(self.up(x))))


class Encoder(nn.Module):
    """Token ids to unit sentence embeddings: mean over the attended tokens, then L2."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.pieces = nn.Embedding(shape.pieces, shape.width)
        self.positions = nn.Parameter(torch.zeros(shape.positions, shape.width))
        self.norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """input_ids, attention_mask (batch, tokens) int64 -> (batch, width) float32, unit rows."""
        x = self.pieces(input_ids) + self.positions[: input_ids.shape[1]]
        x = self.norm(x)
        mask = attention_mask.to(torch.float32)
        bias = ((1.0 - mask) * -1e4)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, bias)
        weight = mask[:, :, None]
        pooled = (x.float() * weight).sum(1) / weight.sum(1).clamp(min=1.0)
        norm = pooled.pow(2).sum(-1, keepdim=True).sqrt().clamp(min=1e-12)
        return pooled / norm


def load_teacher(model_dir: Path) -> Encoder:
    """Read all-MiniLM-L6-v2 from its safetensors; token type 0 is folded into the positions."""
    raw = load_file(model_dir / "model.safetensors")
    raw = {key.removeprefix("bert."): value for key, value in raw.items()}
    encoder = Encoder(Shape())
    state: dict[str, Tensor] = {
        "pieces.weight": raw["embeddings.word_embeddings.weight"],
        "positions": raw["embeddings.position_embeddings.weight"] + raw["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": raw["embeddings.LayerNorm.weight"],
        "norm.bias": raw["embeddings.LayerNorm.bias"],
    }
    for index in range(encoder.shape.layers):
        state |= _layer_state(raw, index)
    encoder.load_state_dict(state)
    return encoder.eval()


def _layer_state(raw: dict[str, Tensor], index: int) -> dict[str, Tensor]:
    source, target = f"encoder.layer.{index}.", f"layers.{index}."
    names = {
        "out": "attention.output.dense",
        "norm_attention": "attention.output.LayerNorm",
        "up": "intermediate.dense",
        "down": "output.dense",
        "norm_output": "output.LayerNorm",
    }
    state = {}
    for kind in ("weight", "bias"):
        parts = [raw[f"{source}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
        state[f"{target}qkv.{kind}"] = torch.cat(parts)
        for ours, theirs in names.items():
            state[f"{target}{ours}.{kind}"] = raw[f"{source}{theirs}.{kind}"]
    return state


def initialise_student(teacher: Encoder, kept_pieces: list[int], kept_layers: list[int]) -> Encoder:
    """Copy the kept pieces, the first 256 positions and the kept layers of the teacher."""
    shape = Shape(pieces=len(kept_pieces), positions=WINDOW_TOKENS, layers=len(kept_layers))
    student = Encoder(shape)
    with torch.no_grad():
        student.pieces.weight.copy_(teacher.pieces.weight[kept_pieces])
        student.positions.copy_(teacher.positions[:WINDOW_TOKENS])
    student.norm.load_state_dict(teacher.norm.state_dict())
    for ours, theirs in enumerate(kept_layers):
        student.layers[ours].load_state_dict(teacher.layers[theirs].state_dict())
    return student
