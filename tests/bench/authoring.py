"""Bars of the author's tools on large policies: `python -m tests.bench.authoring`, in quiet.

Beside the time on the wall stands that on the processors, which other work on the machine moves
less. Python's own caches of compiled modules are there, as an installer leaves them; those of
vectors are not where it says cold. The bar on reloads is in `tests.bench.reload`.

Sentences come from the labelled training texts beside the repository; none of them is kept.
"""

import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

_TEXTS = Path(__file__).parents[3] / "shared/data/train/moderation_text.jsonl.gz"
_RULES, _POSTS, _DIFF_RULES = 1000, 100_000, 200


def sentences() -> Iterator[str]:
    """Distinct beginnings of texts, as long as prompts are."""
    seen = set()
    with gzip.open(_TEXTS, "rt") as lines:
        for line in lines:
            words = json.loads(line)["text"].split()[:14]
            sentence = " ".join(words)
            if len(words) >= 6 and sentence.isascii() and sentence not in seen:
                seen.add(sentence)
                yield sentence


def write_policy(path: Path, rules: int, *, threshold: float = 0.6) -> None:
    """Five violating and three allowing prompts a rule, on a line each as authors write them."""
    source = sentences()
    lines = ["policy: big", "version: 1", "rules:"]
    for number in range(rules):
        lines += [f"  - id: rule-{number}", f"    title: Rule {number}", "    severity: high"]
        lines += ["    action: block", f"    threshold: {threshold}", "    review_at: 0.3"]
        lines += ["    channels: [text]", "    violates:"]
        lines += [f"      - {json.dumps(text)}" for text in islice(source, 5)]
        lines += ["    allows:", *(f"      - {json.dumps(text)}" for text in islice(source, 3))]
    path.write_text("\n".join(lines) + "\n")


def timed(label: str, bar_seconds: float, *arguments: object, cache: Path) -> None:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    last = run(*arguments, cache=cache)
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss / 2**20  # the largest so far
    print(
        f"{label:<36} {took:6.2f} s, CPU {cpu:6.2f} s (bar {bar_seconds:g} s)  "
        f"peak ≤ {peak:.2f} GB  {last[:80]}"
    )


def run(*arguments: object, cache: Path) -> str:
    """Run a command on policies; its last line."""
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(cache),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(cache.parent / "compiled"),
    }
    command = [sys.executable, "-m", "moderator", "policy", *map(str, arguments)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    return (done.stdout.decode().strip().splitlines() or [""])[-1]


def write_store(path: Path) -> None:
    """A store as `policy embed` writes it, of seeded unit vectors."""
    from moderator.authoring.store import Store  # noqa: PLC0415
    from moderator.encoders.load import load_space  # noqa: PLC0415
    from moderator.posts import Post  # noqa: PLC0415
    from moderator.settings import bundled  # noqa: PLC0415

    space = load_space(bundled("models/starter"))
    rng = np.random.default_rng(0)
    rows = space.calibration["text"].background
    mixed = rows[rng.integers(len(rows), size=_POSTS)]
    mixed = mixed + 0.4 / np.sqrt(mixed.shape[1]) * rng.standard_normal(mixed.shape)
    vectors = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float16)
    Store.of(
        [Post(id=str(number), text=f"post {number}") for number in range(_POSTS)],
        {
            "text": (vectors, np.arange(_POSTS)),
            "image": (np.zeros((0, space.dimensions)), np.zeros(0, np.intp)),
        },
        {"text": space.digest, "image": space.digest},
    ).save(path)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, cache = Path(folder), Path(folder) / "cache"
        big, old, new = here / "big.yaml", here / "old.yaml", here / "new.yaml"
        write_policy(big, _RULES)
        write_policy(old, _DIFF_RULES)
        write_policy(new, _DIFF_RULES, threshold=0.5)
        run("test", "policies/minimal.yaml", cache=here / "other")  # compiles the modules
        timed("test, sample policies, cold", 10, "test", "policies", cache=cache)
        timed("check, 1,000 rules, no embeddings", 2, "check", "--no-embeddings", big, cache=cache)
        timed("check, 1,000 rules, cold", 20, "check", big, cache=cache)
        timed("check, 1,000 rules, cached", 3, "check", big, cache=cache)
        store = here / "posts.npz"
        write_store(store)
        timed("diff, 100,000 posts, 200 rules", 5, "diff", old, new, "--on", store, cache=cache)


if __name__ == "__main__":
    main()
