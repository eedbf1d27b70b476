"""Every seed, and everything that fuzzing ever found, again and again."""

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

FOUND = Path(__file__).with_name("found")
SEEDS = [(name, seed) for name, target in TARGETS.items() for seed in target.seeds()]
FINDS = sorted(path for path in FOUND.glob("*/*") if path.is_file())


@pytest.mark.parametrize(("name", "seed"), SEEDS, ids=[name for name, _ in SEEDS])
def test_a_seed_is_within_its_limits_and_answered(name: str, seed: bytes) -> None:
    assert len(seed) <= TARGETS[name].max_bytes
    TARGETS[name].feed(seed)


@pytest.mark.parametrize("path", FINDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_stays_mended(path: Path) -> None:
    TARGETS[path.parent.name].feed(path.read_bytes())
