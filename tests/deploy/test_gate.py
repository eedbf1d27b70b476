"""deploy/gate: nobody gets to the console without the password, nor under another name."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from moderator.console.auth import FromHeader, backend, is_loopback
from moderator.settings import load_settings
from tests.deploy.compose import SERVICES, running
from tests.deploy.gate import START, Gate, password, started
from tests.services.process import free_port

CONSOLE: dict[str, Any] = SERVICES["console"]["environment"]
GATE: dict[str, Any] = SERVICES["gate"]["environment"]


class _Headers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({k.lower(): v for k, v in self.headers.items()}).encode())


@pytest.fixture(scope="module")
def gate(caddy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """As `docker compose up` starts it: nobody has set a password."""
    server = HTTPServer(("127.0.0.1", 0), _Headers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with started(caddy, tmp_path_factory.mktemp("gate"), server.server_port) as made:
            yield made
    finally:
        server.shutdown()
        server.server_close()


def test_without_the_password_nobody_gets_in(gate: Gate) -> None:
    assert gate.get()[0] == 401
    assert gate.get(X_Forwarded_User="moderator")[0] == 401
    for wrong in ("moderator:", "moderator:moderator", f"root:{password(gate)}"):
        assert gate.get(wrong)[0] == 401


def test_the_password_that_the_log_tells_opens(gate: Gate) -> None:
    assert len(password(gate)) == 24
    status, seen = gate.get(f"moderator:{password(gate)}")
    assert status == 200
    assert seen[CONSOLE["MODERATOR_CONSOLE_USER_HEADER"].lower()] == "moderator"


def test_names_and_groups_that_a_client_sends_never_arrive(gate: Gate) -> None:
    forged = {"X_Forwarded_User": "root", "X_Forwarded_Groups": "moderator"}
    _, seen = gate.get(f"moderator:{password(gate)}", **forged)
    assert seen["x-forwarded-user"] == "moderator"
    assert load_settings().console_groups_header.lower() not in seen
    assert "authorization" not in seen


def test_the_console_is_asked_by_the_name_that_the_browser_used(gate: Gate) -> None:
    _, seen = gate.get(f"moderator:{password(gate)}")
    assert f"http://{seen['host']}/" == gate.url


def test_behind_the_gate_the_console_of_the_file_knows_who_it_is(
    caddy: Path, tmp_path: Path
) -> None:
    port, nobody = free_port(), free_port()  # it serves pages while Kafka and Redis are away
    given = {
        name: re.sub(r"(kafka|console-redis|redis):\d+", f"127.0.0.1:{nobody}", str(value))
        for name, value in CONSOLE.items()
    }
    given["MODERATOR_CONSOLE_PORT"] = str(port)
    command = [str(Path(sys.executable).with_name("moderator")), *SERVICES["console"]["command"]]
    with (
        running("console", command, tmp_path, **given),
        started(caddy, tmp_path, port, "correct horse battery") as gate,
    ):
        deadline = time.monotonic() + 60
        while (found := gate.page("moderator:correct horse battery"))[0] == 502:  # not up yet
            assert time.monotonic() < deadline, (tmp_path / "console.log").read_text()
            time.sleep(0.2)
        assert found[0] == 200
        assert b"<bdi>moderator</bdi>" in found[1]
        assert b'href="/review"' in found[1]  # for moderators
        assert b'href="/playground"' in found[1]  # for authors


def test_a_short_password_is_refused() -> None:
    given = {**os.environ, "MODERATOR_GATE_PASSWORD": "moderator"}
    ran = subprocess.run(["sh", START], env=given, check=False, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "12 characters" in ran.stderr


def test_the_console_is_reached_through_the_gate_alone() -> None:
    console, gate = SERVICES["console"], SERVICES["gate"]
    assert console["network_mode"] == "service:gate"
    assert "ports" not in console
    settings = load_settings(
        {name.removeprefix("MODERATOR_").lower(): str(value) for name, value in CONSOLE.items()}
    )
    assert is_loopback(settings.console_host)
    assert settings.console_proxies == ("127.0.0.1/32",)
    assert isinstance(backend(settings), FromHeader)
    assert settings.console_port == GATE["CONSOLE_PORT"] != GATE["GATE_PORT"]
    assert gate["ports"] == [f"127.0.0.1:{GATE['GATE_PORT']}:{GATE['GATE_PORT']}"]
    assert gate["volumes"] == ["./gate:/etc/gate:ro"]
    assert gate["command"] == ["sh", f"/etc/gate/{START.name}"]


def test_no_password_is_written_in_any_file() -> None:
    assert GATE["MODERATOR_GATE_PASSWORD"] == "${MODERATOR_GATE_PASSWORD:-}"
