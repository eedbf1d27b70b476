"""yaml-language-server, which editors ask about YAML: fetched by npm, spoken to over pipes."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from tests.services.kafka.jars import CACHE, installing
from tests.services.npm import fetch
from tests.services.packages import Announce, program

VERSION = "1.19.2"
_SECONDS = 60.0


def install(announce: Announce) -> list[str]:
    """Return the command that starts it, fetched first where it is missing."""
    node, npm = program("node", announce), program("npm", announce)
    folder = CACHE / f"yaml-language-server-{VERSION}"
    script = folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    if not script.exists():
        with installing():
            if not script.exists():
                fetch(npm, f"yaml-language-server@{VERSION}", folder, announce)
    return [node, str(script), "--stdio"]


class LanguageServer:
    """One server, which any number of editors may ask about files below a folder."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.folder = folder
        self._numbers = 0
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        capabilities: dict[str, Any] = {
            "textDocument": {"completion": {}, "hover": {}, "publishDiagnostics": {}}
        }
        root = {"rootUri": folder.as_uri(), "processId": None}
        self.ask("initialize", {**root, "capabilities": capabilities})
        self.tell("initialized", {})
        options = {"schemaStore": {"enable": False}, "validate": True, "hover": True}
        self.tell(
            "workspace/didChangeConfiguration",
            {"settings": {"yaml": {**options, "completion": True}}},
        )

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """The answer to a request."""
        self._numbers += 1
        self._send({"id": self._numbers, "method": method, "params": params})
        return self._next(lambda message: message.get("id") == self._numbers)["result"]

    def tell(self, method: str, params: Mapping[str, Any]) -> None:
        """Notify it: nothing is answered."""
        self._send({"method": method, "params": params})

    def hear(self, method: str, uri: str) -> Any:
        """What it says next about a file by itself."""
        heard = self._next(
            lambda message: message.get("method") == method and message["params"]["uri"] == uri
        )
        return heard["params"]

    def _next(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            message = self._read()
            if "method" in message and "id" in message:  # it asks us: we have nothing to say
                nothing: Any = [{}] if message["method"] == "workspace/configuration" else None
                self._send({"id": message["id"], "result": nothing})
            elif wanted(message):
                return message
        raise AssertionError("the language server did not answer")

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if not length:
            raise AssertionError("the language server has ended")
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Editor:
    """What an editor says to the server about one file, and what it hears."""

    def __init__(self, server: LanguageServer, file: Path) -> None:
        self._server = server
        self._uri = file.as_uri()

    def open(self, text: str) -> list[dict[str, Any]]:
        """Open the file with this text; what the editor underlines."""
        document = {"uri": self._uri, "languageId": "yaml", "version": 1, "text": text}
        self._server.tell("textDocument/didOpen", {"textDocument": document})
        heard = self._server.hear("textDocument/publishDiagnostics", self._uri)
        found: list[dict[str, Any]] = heard["diagnostics"]
        return found

    def completions(self, line: int, character: int) -> set[str]:
        """What the editor offers at a place, counted from 0."""
        found = self._server.ask("textDocument/completion", self._at(line, character))
        items = found["items"] if isinstance(found, dict) else found
        return {item["label"] for item in items}

    def hover(self, line: int, character: int) -> str:
        """What the editor shows about a place, counted from 0."""
        return json.dumps(self._server.ask("textDocument/hover", self._at(line, character)))

    def _at(self, line: int, character: int) -> dict[str, Any]:
        place = {"line": line, "character": character}
        return {"textDocument": {"uri": self._uri}, "position": place}
