"""How long the playground takes to answer, with the models and policies of the settings.

`python -m tests.bench.playground`: medians and 95th percentiles in milliseconds of a text that
changes, a prompt that changes, and an image. The bar is 300 ms from the last key to the new score,
80 of which the page waits for another key.
"""

import argparse
import io
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from moderator.app import build_workbench
from moderator.cache.memory import MemoryCache
from moderator.console.workshop.trial import Drafts, try_out
from moderator.policy.load import load_policies
from moderator.settings import bundled, load_settings

_TEXT = "Send me your card number and I will double your bitcoin within the hour"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    settings = load_settings()
    bench = replace(build_workbench(settings), cache=MemoryCache(20_000))
    drafts = Drafts(bench, load_policies(settings.policies))
    draft = bundled("policies/community.yaml").read_text(encoding="utf-8")
    prompt = "violates:\n      - "
    assert prompt in draft
    cases: dict[str, Callable[[int], object]] = {
        "a text": lambda n: try_out(drafts, draft, f"{_TEXT} {n}", None),
        "a prompt": lambda n: try_out(
            drafts, draft.replace(prompt, f"{prompt}Number {n}\n      - ", 1), _TEXT, None
        ),
        "an image": lambda n: try_out(drafts, draft, _TEXT, _photo(n)),
    }
    for name, case in cases.items():
        case(-1)  # what is done once
        took = np.array([_milliseconds(case, n) for n in range(rounds)])
        print(f"{name}: median {np.median(took):.0f} ms, p95 {np.quantile(took, 0.95):.0f} ms")


def _milliseconds(case: Callable[[int], object], number: int) -> float:
    began = time.perf_counter()
    case(number)
    return (time.perf_counter() - began) * 1000


def _photo(seed: int) -> bytes:
    """Two megapixels as JPEG."""
    noise = np.random.default_rng(seed & 0xFF).integers(0, 255, (12, 16, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize((1600, 1200), Image.Resampling.BICUBIC).save(out, "JPEG")
    return out.getvalue()


if __name__ == "__main__":
    main()
