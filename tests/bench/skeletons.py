"""A CLIP ViT-B/32 of full size with random weights, laid out as it is published.

The graphs come from weightless skeletons, `SKELETONS=FOLDER` (by default ../shared/skeletons), the
tokenizer from the fixtures beside them. What the embeddings mean is nothing; what they cost is
what the real ones do.
"""

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from moderator.encoders.base import Space
from moderator.encoders.load import load_space
from tests.bench.encoders import with_noise

SKELETONS: Final = Path(os.environ.get("SKELETONS", "../shared/skeletons")).resolve()
_TINY: Final = SKELETONS.parent / "fixtures/tiny-clip"
_SIDE: Final = 224
_TOWERS: Final = {"vision": "clip-vit-b32-vision.onnx", "text": "clip-vit-b32-text.onnx"}


class Skeletons:
    """Fills graphs when they are first asked for, below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "clip-vit-b32"
        self.space = cache(self._space)
        self.graph = cache(self._graph)

    def _space(self, variant: str = "fp32") -> Space:
        """The encoders of a variant, fp32 or int8, as the product loads them."""
        for tower in _TOWERS:
            self.graph(tower, variant)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            shutil.copy(_TINY / name, self.folder / name)
        pixels = json.loads((_TINY / "preprocessor_config.json").read_text())
        pixels |= {"size": {"shortest_edge": _SIDE}, "crop_size": {"height": _SIDE, "width": _SIDE}}
        (self.folder / "preprocessor_config.json").write_text(json.dumps(pixels))
        return with_noise(load_space(self.folder, "cpu", variant))

    def _graph(self, tower: str, variant: str = "fp32") -> Path:
        """The file of `vision` or `text`."""
        path = self.folder / f"onnx/{tower}_model{'' if variant == 'fp32' else '_' + variant}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        if variant == "int8":
            _quantise(self.graph(tower, "fp32"), path)
        else:
            fill(_TOWERS[tower], path)
        return path


def fill(skeleton: str, graph: Path) -> None:
    """Give a skeleton seeded weights."""
    script = SKELETONS / "fill_weights.py"
    if not script.exists():
        raise SystemExit(f"{SKELETONS}: no skeletons there; set SKELETONS to their folder")
    command = [sys.executable, str(script), str(SKELETONS / skeleton), str(graph)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _quantise(graph: Path, to: Path) -> None:
    """Dynamic int8 with signed weights: unsigned ones, as often published, gain nothing."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415  # slow

    quantize_dynamic(
        graph, to, op_types_to_quantize=["MatMul", "Gemm"], weight_type=QuantType.QInt8
    )
