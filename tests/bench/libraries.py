"""Run by `others.py` in an environment that has other libraries, and nothing of ours.

First a line of the names of what is there, then for each name read a line of images per second.
"""

import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LABELS = ["a photo of a cat", "a photo of a dog", "a screenshot", "a weapon"]
BATCH = 8
Measured = Callable[[Sequence[str]], object]


def main() -> None:
    """Speak with the parent on standard streams; whatever else is printed goes to the error one."""
    models, photographs = Path(sys.argv[1]), Path(sys.argv[2])
    files = [str(path) for path in sorted(photographs.iterdir())]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    there = {name: make for name, (module, make) in LIBRARIES.items() if _has(module)}
    with tempfile.TemporaryDirectory() as folder:
        made = {name: make(models, Path(folder)) for name, make in there.items()}
        answers.write("\t".join(made) + "\n")
        for line in sys.stdin:
            began = time.perf_counter()
            made[line.strip()](files)
            answers.write(f"{len(files) / (time.perf_counter() - began)}\n")


def _has(module: str) -> bool:
    return all(importlib.util.find_spec(each) for each in module.split(","))


def _clip() -> Any:
    """ViT-B/32 with random weights: it costs what the real one does."""
    from transformers import CLIPConfig, CLIPModel

    config = CLIPConfig()
    config.projection_dim = 512
    return CLIPModel(config).eval()


def _pipeline(batch: int) -> Callable[[Path, Path], Measured]:
    def make(models: Path, _: Path) -> Measured:
        from transformers import AutoTokenizer, CLIPImageProcessor, pipeline

        run = pipeline(
            "zero-shot-image-classification",
            model=_clip(),
            tokenizer=AutoTokenizer.from_pretrained(models),
            image_processor=CLIPImageProcessor.from_pretrained(models),
        )
        return lambda files: run(list(files), candidate_labels=LABELS, batch_size=batch)

    return make


def _alone(models: Path, _: Path) -> Measured:
    """What tutorials show: `get_image_features` of one image after the other."""
    import torch
    from PIL import Image
    from transformers import CLIPImageProcessor

    model, processor = _clip(), CLIPImageProcessor.from_pretrained(models)

    def run(files: Sequence[str]) -> None:
        with torch.no_grad():
            for file in files:
                pixels = processor(Image.open(file).convert("RGB"), return_tensors="pt")
                model.get_image_features(**pixels)

    return run


def _fastembed(models: Path, folder: Path) -> Measured:
    from fastembed import ImageEmbedding

    (folder / "model.onnx").symlink_to((models / "onnx/vision_model.onnx").resolve())
    pixels = (models / "preprocessor_config.json").read_text()
    (folder / "preprocessor_config.json").write_text(json.dumps(json.loads(pixels)))
    model = ImageEmbedding(
        "Qdrant/clip-ViT-B-32-vision", specific_model_path=str(folder), threads=os.cpu_count()
    )
    return lambda files: list(model.embed(list(files), batch_size=BATCH))


LIBRARIES: dict[str, tuple[str, Callable[[Path, Path], Measured]]] = {
    "transformers, zero-shot pipeline": ("torch,transformers", _pipeline(BATCH)),
    "transformers, one image at a time": ("torch,transformers", _alone),
    "fastembed": ("fastembed", _fastembed),
}


if __name__ == "__main__":
    main()
