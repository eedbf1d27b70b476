"""Go on from the distilled student: rules never seen must rank harmful texts above harmless ones.

Two losses a step: the distillation of text.py over the corpus (for what no label covers: captions,
names, subjects of policies to come), and the ranking of labelled texts by rules (rules.py).
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from labelled import Row, apart_from, forbidden, held_out, moderation_rows, written_rows
from minilm import Encoder
from rules import SENTENCES, Drawn, draw, ranking
from subjects import SUBJECTS
from teacher import embed, pad
from text import held_out_cosine, load, load_targets, rate, save
from vocabulary import open_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAMES = tuple(SUBJECTS)
SHORT, LONG = 40, 128
TASKS, SIDE = 5, 6  # a step's tasks, and each's texts that say it and that do not
LONG_SHARE = 0.3
RULES = 5  # a step
LABELLED_WEIGHT = 0.25  # of a moderation or written text in the distillation: labels may move it
PROMPT_WEIGHT = 0.5  # of a rule's sentence in the distillation
KEPT = 0.99  # of the moving average, a step
WATCHED = 20  # steps between lines of the log
HELD_PER_SIDE, LEAST_HELD, HELD_RULES = 150, 40, 3
LABELLED = {"contempt", "contempt_threat", "sexist", "rude", "insult"}  # what the moderation sets were labelled for
# A step has these shapes and no others: the matrix library compiles a kernel for each that it meets.
PROMPTS, PROMPT_TOKENS = 80, 16
LENGTHS = (8, 16, 32, 64, 128)
MOST_PER_ANSWER = 3000  # labelled texts of one set and answer
CORPUS_TEXTS = 150_000


def padded(rows: list[list[int]], count: int, length: int) -> tuple[Tensor, Tensor]:
    """As `pad`, to a fixed shape: what is longer is cut, and rows that hold one [PAD] are added."""
    ids, mask = pad([row[:length] for row in rows] + [[0]] * (count - len(rows)))
    right = length - ids.shape[1]
    return torch.nn.functional.pad(ids, (0, right)), torch.nn.functional.pad(mask, (0, right))


class Corpus:
    """Texts with their teacher's embeddings, in batches of one size and few lengths."""

    def __init__(self, work: Path, tokenizer: Tokenizer, labelled: set[str], tokens: int,
                 rng: random.Random) -> None:  # fmt: skip
        texts = json.loads((work / "corpus.json").read_text(encoding="utf-8"))
        targets = load_targets(work, len(texts))
        prompts = {text for filled in SENTENCES.values() for text in filled}
        self.prompts = {t: target for t, target in zip(texts, targets, strict=True) if t in prompts}
        chosen = rng.sample(range(len(texts)), min(CORPUS_TEXTS, len(texts)))
        self.ids = [e.ids[:LONG] for e in tokenizer.encode_batch([texts[i] for i in chosen])]
        self.targets = targets[chosen]
        self.weights = torch.tensor([LABELLED_WEIGHT if texts[i] in labelled else 1.0 for i in chosen])
        self.tokens = tokens
        self.checked = list(range(1000))
        self._by_length: dict[int, list[int]] = {n: [] for n in LENGTHS}
        for index in range(1000, len(chosen)):
            self._by_length[next(n for n in LENGTHS if len(self.ids[index]) <= n)].append(index)

    def batch(self, rng: random.Random) -> list[int]:
        """Texts of one length, each text as likely as any other."""
        length = rng.choices(LENGTHS, [len(self._by_length[n]) * n for n in LENGTHS])[0]
        return rng.sample(self._by_length[length], self.tokens // length)

    def given(self, chosen: list[int]) -> tuple[Tensor, Tensor]:
        """Ids and mask."""
        length = self.tokens // len(chosen)
        return padded([self.ids[i] for i in chosen], len(chosen), length)


class Pool:
    """Labelled texts by length, source, subject and answer."""

    def __init__(self, rows: list[Row], tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.ids = [e.ids for e in tokenizer.encode_batch([r.text for r in rows])]
        self.says = np.full((len(rows), len(NAMES)), -1, np.int8)
        places: dict[tuple[str, bool, str, bool], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            for subject, said in row.says.items():
                self.says[index, NAMES.index(subject)] = said
                places[(row.source, len(self.ids[index]) > SHORT, subject, said)].append(index)
        self.places = dict(places)
        self.tasks = {long: self._tasks(long=long) for long in (False, True)}

    def _tasks(self, *, long: bool) -> list[tuple[list[int], list[int], float]]:
        """Pairs of pools to tell apart, and how often each is drawn."""
        found = []
        everywhere: dict[tuple[str, bool], list[int]] = defaultdict(list)
        for (source, is_long, subject, said), places in self.places.items():
            if is_long == long:
                everywhere[(subject, said)] += places if source.startswith("written") else places[::4]
            if is_long == long and said and not source.startswith("written"):
                against = self.places.get((source, long, subject, False), [])
                if min(len(places), len(against)) >= SIDE:
                    found.append((places, against, min(1.5, (len(places) / 400) ** 0.5)))
        for subject in NAMES:
            written = self.places.get((f"written {subject}", long, subject, True), [])
            near = self.places.get((f"written near {subject}", long, subject, False), [])
            if "contempt" in subject:
                for more in ("contempt", "quote", "others"):
                    near = near + self.places.get((f"written near {more}", long, subject, False), [])
            if min(len(written), len(near)) >= SIDE:
                found.append((written, near, 1.5 if "contempt" in subject else 1.0))
            if min(len(everywhere[(subject, side)]) for side in (True, False)) >= SIDE:
                found.append((everywhere[(subject, True)], everywhere[(subject, False)], 1.5))
        return found

    def batch(self, rng: random.Random) -> tuple[Tensor, Tensor, np.ndarray]:
        """Ids, mask and what the texts of some tasks of one length say."""
        long = rng.random() < LONG_SHARE
        tasks = self.tasks[long]
        picked = rng.choices(tasks, [t[2] for t in tasks], k=TASKS // 2 if long else TASKS)
        size = SIDE // 2 if long else SIDE
        rows = [i for yes, no, _ in picked for side in (yes, no) for i in rng.sample(side, size)]
        length = LONG if long else SHORT
        return *padded([self.ids[i] for i in rows], len(rows), length), self.says[rows]


def held_out_ranking(student: Encoder, tokenizer: Tokenizer, rows: list[Row]) -> dict[str, float]:
    """AUROC of a few fixed rules a subject over texts kept out: each moderation set's, and all written ones."""
    rng = random.Random(3)
    pools: dict[tuple[str, str], dict[bool, list[str]]] = defaultdict(lambda: {True: [], False: []})
    for row in rows:
        written = row.source.startswith("written")
        for subject, said in row.says.items():
            if written or subject in LABELLED:
                pools[("written" if written else row.source, subject)][said].append(row.text)
    found = {}
    student.eval()
    for (source, subject), sides in sorted(pools.items()):
        if min(map(len, sides.values())) < LEAST_HELD:
            continue
        chosen = {said: rng.sample(texts, min(HELD_PER_SIDE, len(texts))) for said, texts in sides.items()}
        truth = [said for said, texts in chosen.items() for _ in texts]
        texts = embedded(student, tokenizer, [t for texts in chosen.values() for t in texts])
        scores = []
        for rule in (draw(subject, rng) for _ in range(HELD_RULES)):
            bad, good = (embedded(student, tokenizer, side) for side in (rule.violates, rule.allows))
            scores.append(roc_auc_score(truth, texts @ (bad.mean(0) - good.mean(0))))
        found[f"{source}/{subject}"] = float(np.mean(scores))
    student.train()
    return found


def embedded(student: Encoder, tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """Texts -> (n, 384) float32 unit rows."""
    return embed(student, [e.ids[:LONG] for e in tokenizer.encode_batch(texts)], bf16=True, quiet=True)


def distilled(found: Tensor, teacher: Tensor, weight: Tensor) -> Tensor:
    """text.py's loss with a weight a text."""
    cosine = (weight * (found * teacher).sum(-1)).sum() / weight.sum()
    pairs = weight[:, None] * weight[None, :]
    relation = (pairs * (found @ found.T - teacher @ teacher.T).pow(2)).sum() / pairs.sum()
    return 1.0 - cosine + 4.0 * relation


def fewer(rows: list[Row], rng: random.Random) -> list[Row]:
    """At most so many of each set and answer."""
    pools: dict[tuple, list[Row]] = defaultdict(list)
    for row in rows:
        pools[(row.source, tuple(sorted(s for s, said in row.says.items() if said)))].append(row)
    return [r for pool in pools.values() for r in rng.sample(pool, min(MOST_PER_ANSWER, len(pool)))]


def train(student: Encoder, options: argparse.Namespace) -> None:
    """Run for so many minutes or steps; the rate follows whichever is furthest. Writes the moving average."""
    tokenizer = open_tokenizer(options.work / "tokenizer.json")
    barred = forbidden(options.data, options.policies)
    written = written_rows()
    kept = apart_from(written, barred)
    moderation = moderation_rows(options.data)
    print(len(written), "written,", len(kept), "kept,", len(moderation), "labelled", flush=True)
    pool = Pool(fewer(moderation, random.Random(options.seed)) + kept, tokenizer)
    held_rows = moderation_rows(options.data, held=True) + apart_from(written_rows(held=True), barred)
    barred_prompts = {t.lower() for t in barred}
    labelled = {r.text.strip() for r in moderation}
    assert not any(held_out(t) for t in labelled)
    labelled |= {r.text.strip() for r in kept}
    rng = random.Random(options.seed)
    corpus = Corpus(options.work, tokenizer, labelled, options.tokens, rng)
    optimiser = torch.optim.AdamW(student.parameters(), lr=options.peak, weight_decay=0.01, fused=True)
    average = copy.deepcopy(student)
    started, begun, step, logs = time.process_time(), time.monotonic(), 0, []
    while True:
        worked, passed = time.process_time() - started, time.monotonic() - begun
        fraction = max(worked / 60 / options.minutes, passed / 60 / options.wall_minutes, step / options.steps)
        if fraction >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = rate(fraction, options.peak)
        first, second = losses(student, corpus, pool, barred_prompts, rng)
        (first + options.ranking * second).backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        keep = min(KEPT, step / (10 + step))
        with torch.no_grad():
            for slow, fast in zip(average.parameters(), student.parameters(), strict=True):
                slow.lerp_(fast, 1 - keep)
        assert torch.isfinite(first + second), step
        logs.append((first.item(), second.item()))
        if step % WATCHED == 0:
            means = "distil {:.4f} rank {:.4f}".format(*np.mean(logs, 0))
            print(f"{fraction:.3f} step {step} at {worked:.0f} s {means}", flush=True)
            logs = []
        if step % options.check == 0:
            report(average, tokenizer, held_rows, corpus)
            save(average, options.work / options.name)
    save(average, options.work / options.name)
    report(average, tokenizer, held_rows, corpus)
    print("steps", step, flush=True)


def losses(student: Encoder, corpus: Corpus, pool: Pool, barred: set[str], rng: random.Random) -> tuple[Tensor, Tensor]:
    """Distillation and ranking of one step."""
    chosen = corpus.batch(rng)
    batch, mask, says = pool.batch(rng)
    columns = [c for c in range(len(NAMES)) if (says[:, c] == 1).sum() > 1 and (says[:, c] == 0).sum() > 1]
    columns = rng.sample(columns, min(RULES, len(columns)))
    rules = [draw(NAMES[c], rng) for c in columns]
    sentences = sorted({t for r in rules for t in (*r.violates, *r.allows) if t.lower() not in barred})[:PROMPTS]
    rules = [Drawn(r.subject, [t for t in r.violates if t in sentences], [t for t in r.allows if t in sentences])
             for r in rules]  # fmt: skip
    with torch.autocast("cpu", torch.bfloat16):
        plain = student(*corpus.given(chosen))
        rows = student(batch, mask)
        tokens = [e.ids for e in pool.tokenizer.encode_batch(sentences)]
        said = student(*padded(tokens, PROMPTS, PROMPT_TOKENS))[: len(sentences)]
    # The sentences of rules stay where the teacher has them, too: else those of a rule to come go astray.
    targets = np.concatenate([corpus.targets[chosen], [corpus.prompts[t] for t in sentences]])
    weights = torch.cat([corpus.weights[chosen], torch.full((len(sentences),), PROMPT_WEIGHT)])
    first = distilled(torch.cat([plain, said]).float(), torch.from_numpy(targets).float(), weights)
    table = dict(zip(sentences, said.float(), strict=True))
    second = ranking(rows.float(), torch.from_numpy(says[:, columns]), rules, table, rng)
    return first, second


def report(student: Encoder, tokenizer: Tokenizer, rows: list[Row], corpus: Corpus) -> None:
    """Held-out cosine and ranking, one line."""
    cosine = held_out_cosine(student, [corpus.ids[i] for i in corpus.checked], corpus.targets[corpus.checked])
    scores = held_out_ranking(student, tokenizer, rows)
    sides = [np.mean([v for k, v in scores.items() if k.startswith("written") == w]) for w in (False, True)]
    print(f"  held-out cosine {cosine:.4f}, AUROC sets {sides[0]:.4f} written {sides[1]:.4f}:",
          ", ".join(f"{k} {v:.3f}" for k, v in scores.items()), flush=True)  # fmt: skip


def main() -> None:
    """Read a checkpoint, train, write another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--policies", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True, help="the distilled student")
    parser.add_argument("--name", default="text.pt")
    parser.add_argument("--minutes", type=float, default=45, help="of process time")
    parser.add_argument("--wall-minutes", type=float, default=10**9, help="at most, held up or not")
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--check", type=int, default=200)
    parser.add_argument("--peak", type=float, default=2e-4)
    parser.add_argument("--ranking", type=float, default=0.5)
    parser.add_argument("--tokens", type=int, default=1280)
    parser.add_argument("--activation", choices=("gelu", "relu"), default="relu")
    parser.add_argument("--seed", type=int, default=9)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    student = load(options.start)
    if options.activation != student.shape.activation:
        rectified = Encoder(replace(student.shape, activation=options.activation))
        rectified.load_state_dict(student.state_dict())
        student = rectified
    student.train()
    train(student, options)


if __name__ == "__main__":
    main()
