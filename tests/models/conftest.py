"""A small model on a hub of our own, and the catalogue entry that names it."""

from collections.abc import Iterator

import pytest
from huggingface_hub import close_session

from moderator.models.catalogue import Entry
from moderator.models.hub import Hub
from tests.models.hub import REPOSITORY, HubServer, serve

WEIGHTS = bytes(range(256)) * 4096  # 1 MiB
CONFIG = b'{"model_type": "clip"}'


@pytest.fixture
def hub_server() -> Iterator[HubServer]:
    """Serve a repository of two files, one of them large."""
    hub = HubServer(
        files={"config.json": CONFIG, "onnx/model.onnx": WEIGHTS, "README.md": b"not asked for"},
        large={"onnx/model.onnx"},
    )
    with serve(hub):
        yield hub
    close_session()


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a token of this machine out of it."""
    monkeypatch.delenv("HF_TOKEN", raising=False)


@pytest.fixture
def waits() -> list[float]:
    """The seconds the hub client wanted to wait, which it did not."""
    return []


@pytest.fixture
def hub(hub_server: HubServer, waits: list[float]) -> Hub:
    return Hub(hub_server.url, sleep=waits.append)


def an_entry(**changes: object) -> Entry:
    return Entry.model_validate(
        {
            "name": "tiny",
            "title": "Tiny",
            "family": "clip",
            "repository": REPOSITORY,
            "revision": "1" * 40,
            "channels": ["text"],
            "dimensions": 8,
            "text_window_tokens": 77,
            "languages": ["en"],
            "megabytes": 1,
            "licence": {"name": "MIT", "link": "https://example.org"},
            "good_for": "tests",
            "files": {"config.json": {}, "onnx/model.onnx": {}},
            **changes,
        }
    )
