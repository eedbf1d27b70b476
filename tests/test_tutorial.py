"""The tutorial, command by command, as a reader runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```(sh|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_command_of_the_tutorial_works(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "moderator"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m moderator "$@"\n')
    command.chmod(0o755)
    here = tmp_path / "empty"
    here.mkdir()
    env = {
        **os.environ,
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(TUTORIAL.parents[1]),
    }
    said = ""
    for kind, block in _BLOCK.findall(TUTORIAL.read_text()):
        if kind == "yaml" and block.startswith("policy:"):
            (here / "shop.yaml").write_text(block)
        elif kind == "sh":
            for line in block.splitlines():
                done = subprocess.run(
                    line, shell=True, cwd=here, env=env, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
                said += done.stdout
    assert "4 of 4 examples pass" in said
    assert "allow → review" in said
    assert "shop/weapons, now stricter:" in said
    assert "weapons" in (here / "handbook.html").read_text()


def test_snippets_for_other_tools_are_yaml() -> None:
    blocks = [block for found, block in _BLOCK.findall(TUTORIAL.read_text()) if found == "yaml"]
    assert [type(YAML(typ="safe").load(block)) for block in blocks] == [dict] * 3
