"""A workbench over the fake space, and policies written to files."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from moderator.app import build_limits, build_loader
from moderator.authoring.workbench import Workbench
from moderator.cache.memory import MemoryCache
from moderator.embedder import Embedder
from moderator.encoders.base import Space
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from moderator.settings import Settings
from tests.builders import a_policy

Load = Callable[..., PolicySet]


def a_workbench(space: Space) -> Workbench:
    settings = Settings()
    channels = dict.fromkeys(space.channels, space)
    return Workbench(
        embedder=Embedder(channels, build_limits(settings)),
        cache=MemoryCache(10_000),
        loader=build_loader(settings),
        callers=2,
    )


@pytest.fixture
def bench(space: Space) -> Workbench:
    """Return a workbench of its own without models."""
    return a_workbench(space)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a function that writes rules into a policy file and loads it."""

    def write(*rules: Mapping[str, Any], name: str = "test", **keys: Any) -> PolicySet:
        path = tmp_path / f"{name}.yaml"
        path.write_text(json.dumps(a_policy(*rules, policy=name, **keys), indent=1))
        return load_policies([path])

    return write
