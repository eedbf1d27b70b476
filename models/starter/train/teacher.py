"""Embed the corpus once with all-MiniLM-L6-v2: corpus.json, teacher_<shard>.npy (fp16)."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from corpus import build
from labelled import forbidden
from minilm import Encoder, load_teacher
from vocabulary import general_words, open_tokenizer

TEACHER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENS_PER_BATCH = 6144


def pad(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Right-pad with 0 ([PAD]) -> ids, mask (batch, longest) int64."""
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
        mask[index, : len(row)] = 1
    return ids, mask


def bucketed(lengths: list[int], budget: int = TOKENS_PER_BATCH) -> list[list[int]]:
    """Indices in batches of similar length whose padded size stays under the token budget."""
    batches: list[list[int]] = []
    current: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if current and (len(current) + 1) * lengths[index] > budget:
            batches.append(current)
            current = []
        current.append(index)
    return [*batches, current] if current else batches


@torch.inference_mode()
def embed(encoder: Encoder, rows: list[list[int]], *, bf16: bool = False, quiet: bool = False) -> np.ndarray:
    """Token id rows -> (n, 384) float32 unit rows."""
    out = np.zeros((len(rows), encoder.shape.width), np.float32)
    batches = bucketed([len(r) for r in rows])
    for number, batch in enumerate(batches):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            out[batch] = encoder(*pad([rows[i] for i in batch])).float().numpy()
        if number % 200 == 0 and not quiet:
            print(f"{number}/{len(batches)} batches", flush=True)
    return out


def main() -> None:
    """Build the corpus, embed one shard of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help="folder of model.safetensors")
    parser.add_argument("--policies", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path, required=True, help="folder of data.noun and its like")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    digest = hashlib.sha256((arguments.teacher / "model.safetensors").read_bytes()).hexdigest()
    if digest != TEACHER_SHA256:
        raise SystemExit(f"model.safetensors is {digest}, not the recorded {TEACHER_SHA256}")
    tokenizer = open_tokenizer(arguments.teacher / "tokenizer.json")
    barred = forbidden(arguments.data, arguments.policies)
    texts = build(arguments.data, general_words(tokenizer.get_vocab()), arguments.wordnet, barred)
    if arguments.shard == 0:
        (arguments.work / "corpus.json").write_text(json.dumps(texts), encoding="utf-8")
    mine = texts[arguments.shard :: arguments.shards]
    rows = [encoding.ids for encoding in tokenizer.encode_batch(mine)]
    print(len(texts), "texts,", sum(map(len, rows)), "tokens in this shard", flush=True)
    found = embed(load_teacher(arguments.teacher), rows, bf16=True).astype(np.float16)
    np.save(arguments.work / f"teacher_{arguments.shard}.npy", found)


if __name__ == "__main__":
    main()
