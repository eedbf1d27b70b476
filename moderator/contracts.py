"""The JSON Schemas of what goes in and out, generated from the code and shipped with it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from moderator.policy.schema import policy_schema
from moderator.posts import Post
from moderator.verdicts import Verdict

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

CONTRACTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "post": lambda: {"$schema": _DIALECT, **msgspec.json.schema(Post)},
    "verdict": lambda: {"$schema": _DIALECT, **msgspec.json.schema(Verdict)},
    "policy": policy_schema,
}

FOLDER = Path(__file__).parent / "schemas"


def render(contract: str) -> str:
    """The schema as it is shipped: indented JSON, one final newline."""
    return json.dumps(CONTRACTS[contract](), indent=2) + "\n"


def write_all() -> None:
    """Write `moderator/schemas/*.json` anew."""
    FOLDER.mkdir(exist_ok=True)
    for contract in CONTRACTS:
        (FOLDER / f"{contract}.schema.json").write_text(render(contract))


if __name__ == "__main__":
    write_all()
