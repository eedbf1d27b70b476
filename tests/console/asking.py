"""Questions to a console without a browser: with the token that its pages carry."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.console.serving import Console

AUTHORS = {
    "console_auth": "header",
    "console_proxies": ("127.0.0.1/32",),
    "console_authors": ("ann",),
}
"""Settings under which `ann` is an author and everybody else may look."""


class Asking:
    """Asks as a page's script does."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        found = re.search(r'name="csrf" content="([^"]+)"', client.get("/policies").text)
        assert found
        self._token = {"X-CSRF-Token": found[1]}

    def get(self, path: str) -> httpx.Response:
        return self._client.get(path)

    def post(self, path: str, body: Any) -> httpx.Response:
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return self._client.post(path, headers=self._token, **content)


@contextmanager
def asking(console: Console, **headers: str) -> Iterator[Asking]:
    with console.client(**headers) as client:
        client.timeout = httpx.Timeout(30)
        yield Asking(client)
