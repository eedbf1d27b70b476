"""Prometheus for tests: ``prometheus`` on a free loopback port, with rules and one job."""

import json
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.services.packages import Announce, program
from tests.services.process import LOOPBACK, ServerProcess, free_port

_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: moderator
    static_configs: [{{targets: [{targets}]}}]
"""


class Sample(NamedTuple):
    labels: dict[str, str]
    value: float


class Prometheus:
    """One server. It asks its targets every second, and its rules as often."""

    def __init__(
        self, executable: str, directory: Path, *, targets: Sequence[str], rules: Sequence[Path]
    ) -> None:
        self._executable = executable
        self._directory = directory
        self.url = f"http://{LOOPBACK}:{free_port()}"
        (directory / "prometheus.yml").write_text(
            _CONFIG.format(rules=", ".join(map(str, rules)), targets=", ".join(targets))
        )
        self._process = ServerProcess("Prometheus", directory / "prometheus.log", self._answers)

    def start(self) -> None:
        command = [
            self._executable,
            f"--config.file={self._directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._directory / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--enable-feature=exemplar-storage",
        ]
        self._process.start(command, deadline_seconds=30)

    def query(self, expression: str) -> list[Sample]:
        """The expression's value now; raises urllib's HTTPError for one that is none."""
        result = self._ask("query", query=expression)
        if result["resultType"] == "scalar":
            return [Sample({}, float(result["result"][1]))]
        return [Sample(row["metric"], float(row["value"][1])) for row in result["result"]]

    def exemplars(self, expression: str, seconds: float, now: float) -> list[dict[str, str]]:
        """The labels of exemplars of the last seconds."""
        answer: list[Any] = self._ask(
            "query_exemplars", query=expression, start=str(now - seconds), end=str(now + 1)
        )
        return [exemplar["labels"] for series in answer for exemplar in series["exemplars"]]

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        alerts: list[Any] = self._ask("alerts")["alerts"]
        return {a["labels"]["alertname"] for a in alerts if a["state"] == "firing"}

    def _ask(self, what: str, **parameters: str) -> Any:
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()


def install(announce: Announce) -> str:
    """Return the path of ``prometheus``, installed first where it is missing."""
    return program("prometheus", announce)
