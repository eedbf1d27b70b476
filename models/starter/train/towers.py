"""The exported towers as a loader would run them: tokenise, bucket, embed; decode, resize, embed."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort
from PIL import Image

from data import shortest_edge_crop
from teacher import bucketed
from tower import MEAN, STD
from vocabulary import open_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def session(path: Path, threads: int = 1) -> ort.InferenceSession:
    """A CPU session with a fixed number of threads."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class TextTower:
    """Texts to unit rows."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.tokenizer = open_tokenizer(folder / "tokenizer.json")
        self.session = session(folder / "onnx" / "text_model.onnx", threads)

    def embed(self, texts: list[str]) -> np.ndarray:
        """(n, 384) float32; batches of similar length."""
        rows = [e.ids for e in self.tokenizer.encode_batch(texts)]
        out = np.zeros((len(rows), 384), np.float32)
        for batch in bucketed([len(r) for r in rows], 2048):
            longest = max(len(rows[i]) for i in batch)
            ids = np.zeros((len(batch), longest), np.int64)
            mask = np.zeros_like(ids)
            for line, i in enumerate(batch):
                ids[line, : len(rows[i])] = rows[i]
                mask[line, : len(rows[i])] = 1
            out[batch] = self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return out


class ImageTower:
    """Pictures to unit rows."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.session = session(folder / "onnx" / "vision_model.onnx", threads)
        self.side = self.session.get_inputs()[0].shape[-1]

    def embed_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """(n, S, S, 3) uint8 -> (n, 384) float32."""
        found = []
        for start in range(0, len(pixels), 32):
            x = pixels[start : start + 32].astype(np.float32) / 255
            x = ((x - np.array(MEAN, np.float32)) / np.array(STD, np.float32)).transpose(0, 3, 1, 2)
            found.append(self.session.run(None, {"pixel_values": np.ascontiguousarray(x)})[0])
        return np.concatenate(found)

    def embed_tar(self, path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Embeddings of the named members of a tar."""
        wanted, pixels, found = set(names), [], []
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name in wanted:
                    payload = archive.extractfile(member)
                    assert payload is not None
                    with Image.open(io.BytesIO(payload.read())) as picture:
                        pixels.append(shortest_edge_crop(picture, self.side))
                    found.append(member.name)
        return dict(zip(found, self.embed_pixels(np.stack(pixels)), strict=True))
