"""What the README shows is what the commands do."""

import json
import re
from pathlib import Path
from typing import Any

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


def test_every_command_of_the_table_is_there(moderator: Moderator) -> None:
    table = re.findall(r"^\| `moderator ([^`]+)`(?:, `[^|]*)? \|", README, re.MULTILINE)
    commands = {tuple(re.findall(r"^[a-z]+(?: [a-z]+)?", row)[0].split()) for row in table}
    assert len(commands) > 12
    for command in commands:
        assert moderator(*command, "--help").code == 0, command
