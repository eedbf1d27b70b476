"""One table of everything measured so far, in Markdown and JSON."""

import datetime as dt
import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

CORES = sorted(os.sched_getaffinity(0))
_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "numpy", "pillow", "aiokafka", "msgspec")


@dataclass(frozen=True)
class Row:
    """One figure. `bar`: at least this much, or with `at_most` at most; None: nothing is asked."""

    what: str
    value: float
    unit: str = "times"
    bar: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar was met; None where there is none."""
        if self.bar is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar

    def cells(self) -> str:
        """A line of the table, without its ends."""
        value = (
            f"{self.value:.2f} {self.unit}"
            if self.unit == "times"
            else f"{self.value:,.0f} {self.unit}"
        )
        sign = "≤" if self.at_most else "≥"
        bar = "" if self.bar is None else f"{sign} {self.bar:g}"
        return f"{self.what} | {value} | {bar} | {_ANSWERS[self.met]}"


_ANSWERS = {None: "", True: "yes", False: "**no**"}


def machine() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "machine": f"{_processor()}, {len(CORES)} cores",
        "python": platform.python_version(),
        **{name: found for name in _PACKAGES if (found := _version(name))},
    }


def write(folder: Path, part: str, rows: Iterable[Row]) -> str:
    """Put one part's rows in the place of its last ones; the whole table."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "bench.json"
    parts = _read(path)
    parts[part] = {
        "on": machine(),
        "at": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "rows": [{**asdict(row), "met": row.met} for row in rows],
    }
    path.write_text(json.dumps(parts, indent=2, ensure_ascii=False) + "\n")
    table = _table(parts)
    (folder / "bench.md").write_text(table)
    return table


def _read(path: Path) -> dict[str, Any]:
    """What was measured before; not what another version of this file has written."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    parts = found.items() if isinstance(found, dict) else ()
    return {name: part for name, part in parts if _is_part(part)}


def _is_part(part: Any) -> bool:
    try:
        _table({"": part})
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return True


def _table(parts: Mapping[str, Any]) -> str:
    lines = ["| part | what | median | bar | met |", "|---|---|---:|---|---|"]
    for part, found in parts.items():
        for row in found["rows"]:
            values = {key: value for key, value in row.items() if key != "met"}
            lines.append(f"| {part} | {Row(**values).cells()} |")
    lines.append("")
    for part, found in parts.items():
        on = ", ".join(f"{name} {value}" for name, value in found["on"].items())
        lines.append(f"{part}: {found['at']}; {on}  ")
    return "\n".join(lines) + "\n"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
