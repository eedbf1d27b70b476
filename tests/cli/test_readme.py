"""What the README shows is what the commands do."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from moderator.cli import cli
from tests.cli.running import Moderator

README = Path("README.md").read_text(encoding="utf-8")


def shown(pattern: str) -> str:
    found = re.search(pattern, README, re.DOTALL)
    assert found is not None
    return found[1]


def without_what_varies(verdict: dict[str, Any]) -> dict[str, Any]:
    """The README cuts the digests of models, and times are another machine's."""
    models = {channel: model["name"] for channel, model in verdict["models"].items()}
    return {**verdict, "models": models, "timing_ms": sorted(verdict["timing_ms"])}


def test_the_verdict_shown_is_the_one_that_its_command_prints(moderator: Moderator) -> None:
    post, arguments = shown(r"echo '([^']+)'"), shown(r"bin/moderator (screen [^|]+)").split()
    ran = moderator(*arguments, given=post.encode())
    expected = json.loads(shown(r"## A verdict.+?```json\n(.+?)```"))
    assert ran.code == 0, ran.err
    assert without_what_varies(json.loads(ran.out)) == without_what_varies(expected)


def commands_of(cell: str) -> set[tuple[str, ...]]:
    """The commands of a cell: `moderator policy new`, `test` are two of `policy`."""
    found: set[tuple[str, ...]] = set()
    group: tuple[str, ...] = ()
    for code in re.findall(r"`([^`]+)`", cell):
        words = tuple(
            re.findall(r"^[a-z]+(?: [a-z]+)*", code.removeprefix("moderator "))[0].split()
        )
        if code.startswith("moderator "):
            group = words[:-1]
            found.add(words)
        else:
            found.add((*group, *words))
    return found


def all_commands(group: Any, *words: str) -> Iterator[tuple[str, ...]]:
    """What the command line knows, its groups too, without what it hides."""
    for name, command in getattr(group, "commands", {}).items():
        if not command.hidden:
            yield (*words, name)
            yield from all_commands(command, *words, name)


def test_every_command_of_the_table_is_there() -> None:
    rows = re.findall(r"^\| (`moderator .+?) \| (.+) \|$", README, re.MULTILINE)
    named = {command for first, _ in rows for command in commands_of(first)}
    for _, told in rows:
        named |= commands_of(" ".join(re.findall(r"`moderator [^`]+`", told)))
    assert len(named) > 30
    assert {("policy", "audit"), ("policy", "rollback"), ("reviews", "export")} <= named
    assert named <= set(all_commands(get_command(cli)))
