"""Dashboards are those of the code, and every panel has data under load."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.grafana.__main__ import FOLDER, rendered
from moderator.metrics.catalogue import CATALOGUE
from tests.deploy.conftest import Watched

_NOT_HERE = ("moderator_gpu_memory_bytes", "gpu_memory:ratio")  # no GPU where tests run
_VARIABLES = {"$__rate_interval": "10s", "$instance": ".*", "$rule": ".*"}


def panels() -> Iterator[tuple[str, Any]]:
    for name in sorted(rendered()):
        for panel in json.loads((FOLDER / name).read_text())["panels"]:
            if panel["type"] != "row":
                yield f"{name}: {panel['title']}", panel


PANELS = dict(panels())


def expressions(panel: Any) -> list[str]:
    found = []
    for target in panel["targets"]:
        expression = target["expr"]
        for variable, value in _VARIABLES.items():
            expression = expression.replace(variable, value)
        found.append(expression)
    return found


def test_the_files_are_what_the_code_makes() -> None:
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == rendered()


def test_every_metric_is_shown_somewhere() -> None:
    shown = " ".join(query for panel in PANELS.values() for query in expressions(panel))
    rarely = {"cache_healthy"}  # only in an alert: `degraded` shows the same
    assert [n for n in CATALOGUE if f"moderator_{n}" not in shown and n not in rarely] == []


@pytest.mark.kafka
@pytest.mark.redis
@pytest.mark.parametrize("name", PANELS)
def test_every_query_of_every_panel_returns_data(watched: Watched, name: str) -> None:
    for expression in expressions(PANELS[name]):
        if any(metric in expression for metric in _NOT_HERE):
            continue

        def answered(expression: str = expression) -> bool:
            samples = watched.prometheus.query(expression)
            return any(not math.isnan(sample.value) for sample in samples)

        watched.until(answered, f"{expression} has data", seconds=20)
