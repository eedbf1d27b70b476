"""deploy/gate, started by hand."""

import base64
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.compose import running
from tests.services.process import free_port

START = Path("deploy/gate/start.sh")


@dataclass
class Gate:
    """A gate before a console that answers with the headers it got."""

    url: str
    said: Path

    def page(self, sign_in: str | None = None, path: str = "", **headers: str) -> tuple[int, bytes]:
        if sign_in is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(sign_in.encode()).decode()}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self.url + path, headers=named), timeout=60
            ) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, b"{}"

    def get(self, sign_in: str | None = None, **headers: str) -> tuple[int, dict[str, str]]:
        status, told = self.page(sign_in, **headers)
        return status, json.loads(told)


@contextmanager
def started(caddy: Path, folder: Path, console_port: int, password: str = "") -> Iterator[Gate]:
    made = Gate(f"http://127.0.0.1:{free_port()}/", folder / "gate.log")
    given = {
        "PATH": f"{caddy.parent}:{os.environ['PATH']}",
        "MODERATOR_GATE_PASSWORD": password,
        "GATE_PORT": made.url.rpartition(":")[2].rstrip("/"),
        "CONSOLE_PORT": str(console_port),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    with running("gate", ["sh", str(START)], folder, **given):
        _until_it_listens(made)
        yield made


def _until_it_listens(gate: Gate, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            gate.get()
        except OSError:
            assert time.monotonic() < deadline, gate.said.read_text()
            time.sleep(0.1)
        else:
            return


def password(gate: Gate) -> str:
    (found,) = re.findall(r"as moderator, password (\S+)", gate.said.read_text())
    return str(found)
