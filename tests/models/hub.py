"""A hub on loopback: the part of the protocol that fetching a model needs, and its troubles.

Metadata at /api/models/REPOSITORY[/revision/REVISION], bytes at /REPOSITORY/resolve/REVISION/FILE:
large files redirect to /cdn/, as the hub does, small ones are sent directly. `Range` is honoured.
"""

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

REPOSITORY = "someone/tiny"


class Seen(NamedTuple):
    method: str
    path: str
    range: str | None
    authorization: str | None


@dataclass
class HubServer:
    """`files` by path; `large` ones are in large-file storage. Troubles happen once each."""

    commit: str = "1" * 40
    files: dict[str, bytes] = field(default_factory=dict)
    large: set[str] = field(default_factory=set)
    seen: list[Seen] = field(default_factory=list)
    cut_after: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    answers: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)
    sends_instead: dict[str, bytes] = field(default_factory=dict)
    url: str = ""

    def paths(self, method: str = "GET") -> list[str]:
        return [one.path for one in self.seen if one.method == method]

    def etag(self, file: str) -> str:
        data = self.files[file]
        if file in self.large:
            return hashlib.sha256(data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def next_answer(self, path: str) -> tuple[int, dict[str, str]] | None:
        """The trouble prepared for this path, which is then over."""
        for place, (part, status, headers) in enumerate(self.answers):
            if part in path:
                del self.answers[place]
                return status, headers
        return None

    def metadata(self) -> dict[str, Any]:
        siblings = []
        for name, data in self.files.items():
            one: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": self.etag(name)}
            if name in self.large:
                one["lfs"] = {"sha256": self.etag(name), "size": len(data), "pointerSize": 134}
            siblings.append(one)
        return {"id": REPOSITORY, "modelId": REPOSITORY, "sha": self.commit, "siblings": siblings}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = self.headers
        self.hub.seen.append(
            Seen(self.command, path, headers.get("Range"), headers.get("Authorization"))
        )
        if trouble := self.hub.next_answer(path):
            self._send(trouble[0], trouble[1], b"trouble")
        elif path.startswith("/api/models/"):
            self._metadata(path.removeprefix("/api/models/"))
        elif path.startswith("/cdn/"):
            self._bytes(path.removeprefix("/cdn/"), {})
        else:
            self._resolve(path)

    def _metadata(self, path: str) -> None:
        repository, _, revision = path.partition("/revision/")
        if repository != REPOSITORY:
            self._send(404, {"X-Error-Code": "RepoNotFound"}, b"")
        elif revision not in ("", "main", self.hub.commit):
            self._send(404, {"X-Error-Code": "RevisionNotFound"}, b"")
        else:
            body = json.dumps(self.hub.metadata()).encode()
            self._send(200, {"Content-Type": "application/json"}, body)

    def _resolve(self, path: str) -> None:
        _, _, rest = path.partition(f"/{REPOSITORY}/resolve/")
        _, _, file = rest.partition("/")
        if file not in self.hub.files:
            self._send(404, {"X-Error-Code": "EntryNotFound"}, b"")
            return
        stated = {"X-Repo-Commit": self.hub.commit, "ETag": f'"{self.hub.etag(file)}"'}
        if file in self.hub.large:
            stated |= {
                "X-Linked-Size": str(len(self.hub.files[file])),
                "X-Linked-Etag": f'"{self.hub.etag(file)}"',
                "Location": f"{self.hub.url}/cdn/{file}".replace("127.0.0.1", "localhost"),
            }
            self._send(302, stated, b"")
        else:
            self._bytes(file, stated)

    def _bytes(self, file: str, headers: dict[str, str]) -> None:
        data = self.hub.sends_instead.get(file, self.hub.files[file])
        start = 0
        if asked := self.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            headers = headers | {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        cuts = self.hub.cut_after[file]
        cut = cuts.pop(0) if cuts and self.command == "GET" else None
        self._send(206 if asked else 200, headers, data[start:], cut)

    def _send(
        self, status: int, headers: dict[str, str], body: bytes, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:cut])
        if cut is not None:  # the connection breaks in the middle of the body
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32


@contextmanager
def serve(hub: HubServer) -> Iterator[HubServer]:
    """Serve on a free port of loopback until the block ends."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = _Server(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
