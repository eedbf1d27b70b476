"""The shipped JSON Schemas say what the code does."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from moderator.contracts import CONTRACTS, FOLDER, render
from moderator.errors import PostError
from moderator.posts import decode_post
from moderator.settings import bundled
from moderator.verdicts import encode_verdict
from tests.builders import a_post, a_screener, picture, screen_one

POSTS: list[dict[str, Any]] = [
    {"id": "1"},
    {"id": "1", "text": "hello", "new_field": [1]},
    {
        "id": "1",
        "media": [{"url": "https://x/a.png"}, {"id": "m", "type": "video", "data": "AAAA"}],
    },
    {"id": "1", "author": "a", "surface": "s", "lang": "de", "meta": {"a": [1, None]}},
    {"id": "1", "created_at": "2024-01-02T03:04:05Z", "text": None},
]
NO_POSTS: list[Any] = [
    {},
    {"id": ""},
    {"id": 1},
    {"id": "1", "text": 1},
    {"id": "1", "media": {}},
    {"id": "1", "media": [{"url": 1}]},
    {"id": "1", "meta": []},
    [],
    "text",
]


def validator(contract: str) -> Draft202012Validator:
    """Of the schema as it is shipped."""
    schema = json.loads((FOLDER / f"{contract}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("contract", list(CONTRACTS))
def test_the_shipped_schema_is_the_generated_one(contract: str) -> None:
    shipped = (FOLDER / f"{contract}.schema.json").read_text()
    assert shipped == render(contract), "run `python -m moderator.contracts`"


def test_no_other_schema_is_shipped() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.schema.json" for name in CONTRACTS}


@pytest.mark.parametrize("post", POSTS)
def test_what_the_schema_calls_a_post_is_decoded(post: dict[str, Any]) -> None:
    validator("post").validate(post)
    decode_post(json.dumps(post).encode(), max_bytes=10_000, max_meta_bytes=1_000)


@pytest.mark.parametrize("value", NO_POSTS)
def test_what_the_schema_refuses_is_refused(value: Any) -> None:
    assert not validator("post").is_valid(value)
    with pytest.raises(PostError):
        decode_post(json.dumps(value).encode(), max_bytes=10_000, max_meta_bytes=1_000)


@pytest.mark.parametrize("detail", ["crossed", "full"])
@pytest.mark.parametrize(
    "post",
    [
        a_post("1"),
        a_post("1", "red fire", picture("red"), surface="feed", meta={"a": 1}),
        a_post("1", "unencodable", b"junk"),
        a_post("1", "word " * 10_000),
    ],
    ids=["empty", "blocked", "failed", "truncated"],
)
def test_a_verdict_keeps_its_schema(post: Any, detail: str) -> None:
    screener = a_screener(detail="full" if detail == "full" else "crossed")
    validator("verdict").validate(json.loads(encode_verdict(screen_one(post, screener))))


@pytest.mark.parametrize("field", ["id", "post_id", "action", "policy", "models"])
def test_a_verdict_without_what_matters_breaks_its_schema(field: str) -> None:
    verdict = json.loads(encode_verdict(screen_one(a_post("1", "red fire"))))
    del verdict[field]
    assert not validator("verdict").is_valid(verdict)


@pytest.mark.parametrize("path", sorted(bundled("policies").glob("*.yaml")), ids=lambda p: p.name)
def test_the_policies_that_ship_keep_the_schema_of_policies(path: Path) -> None:
    validator("policy").validate(YAML(typ="safe").load(path))
