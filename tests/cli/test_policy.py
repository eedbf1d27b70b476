"""`moderator policy …` from arguments to exit code, with the models that ship."""

import base64
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import picture
from tests.cli.running import Moderator

WEATHER = """policy: weather
version: 1
rules:
  - id: storms
    title: Storms
    severity: low
    action: review
    threshold: 0.5
    channels: [text]
    violates: [A heavy storm with thunder and lightning is coming., The storm tore the roof off.]
    allows: [A recipe for apple pie., A film about two friends.]
    examples:
      violates: [A terrible storm with thunder is on its way.]
      allows: [How long does the pie need in the oven?]
"""


@pytest.fixture
def weather(tmp_path: Path) -> Path:
    path = tmp_path / "weather.yaml"
    path.write_text(WEATHER)
    return path


def test_examples_that_pass_end_with_zero(
    moderator: Moderator, weather: Path, tmp_path: Path
) -> None:
    ran = moderator("policy", "test", "-v", weather, "--junit", tmp_path / "j.xml")
    assert ran.code == 0
    assert b"pass weather/storms must fire 1: score 0." in ran.out
    assert b"2 of 2 examples pass (100.0 %), 0 fail" in ran.out
    assert (tmp_path / "j.xml").read_text().count("<testcase") == 2


def test_examples_that_fail_end_with_one_unless_so_many_may(
    moderator: Moderator, weather: Path
) -> None:
    weather.write_text(WEATHER.replace("How long does the pie", "Thunder and lightning! How"))
    ran = moderator("policy", "test", weather)
    assert ran.code == 1
    assert b"FAIL weather/storms must pass 1: score 0." in ran.out
    assert b"violates +0." in ran.out
    assert moderator("policy", "test", weather, "--fail-under", "50").code == 0


def test_rules_without_examples_fail_where_they_are_required(
    moderator: Moderator, weather: Path
) -> None:
    weather.write_text(WEATHER.partition("    examples:")[0])
    assert moderator("policy", "test", weather).code == 0
    ran = moderator("policy", "test", weather, "--require-examples")
    assert ran.code == 1
    assert b"rules without examples: weather/storms" in ran.out


def test_warnings_are_no_failure_unless_strict(moderator: Moderator, weather: Path) -> None:
    weather.write_text(WEATHER.replace("The storm tore the roof off.", "A recipe for apple cake."))
    ran = moderator("policy", "check", weather)
    assert (ran.code, b"[wrong-side]" in ran.out) == (0, True)
    assert ran.out.rstrip().endswith(b"warnings")
    assert moderator("policy", "check", "--strict", weather).code == 1
    assert moderator("policy", "check", "--strict", "--no-embeddings", weather).code == 0


def test_a_broken_policy_is_told_in_the_format_asked_for(
    moderator: Moderator, weather: Path
) -> None:
    weather.write_text(WEATHER.replace("title", "titel"))
    ran = moderator("policy", "check", "--format", "json", weather)
    assert ran.code == 2
    assert json.loads(ran.out)[0]["message"] == "unknown key `titel`, did you mean `title`?"


def test_without_models_it_is_checked_without_embeddings(
    moderator: Moderator, weather: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MODERATOR_MODELS", str(tmp_path / "nowhere"))
    ran = moderator("policy", "check", weather)
    assert (ran.code, ran.out.startswith(b"ok: weather")) == (0, True)
    assert "checked without embeddings: " in ran.err
    assert moderator("policy", "check", "--embeddings", weather).code == 2


def pictured(name: str, content: bytes) -> dict[str, Any]:
    """A post with an attachment, as JSON."""
    data = base64.b64encode(content).decode()
    return {"id": name, "text": "An apple pie.", "media": [{"data": data}]}


def lines(*posts: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(post).encode() + b"\n" for post in posts)


def test_a_store_and_what_is_compared_on_it_tell_of_posts_that_could_not_be_read(
    moderator: Moderator, weather: Path, tmp_path: Path
) -> None:
    posts, store = tmp_path / "posts.jsonl", tmp_path / "posts.npz"
    posts.write_bytes(lines(pictured("red", picture("red")), pictured("broken", b"no image")))
    ran = moderator("policy", "embed", posts, "--to", store)
    assert f"2 posts in {store}, 1 of them not read in full" in ran.out.decode()
    ran = moderator("policy", "diff", weather, weather, "--on", store)
    assert b"1 not read in full, so in review at least" in ran.out


def test_a_back_test_leaves_out_posts_that_cannot_be_read_any_longer(
    moderator: Moderator, weather: Path, tmp_path: Path
) -> None:
    posts = [pictured("red", picture("red")), pictured("gone", picture("blue"))]
    verdicts = moderator("screen", "--policy", weather, "-", given=lines(*posts)).out.splitlines()
    posts[1] = pictured("gone", b"what the host says now")
    rows = [
        {"value": json.dumps(post), "verdict": verdict.decode()}
        for post, verdict in zip(posts, verdicts, strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "kept.parquet")
    ran = moderator("policy", "backtest", weather, "--archive", tmp_path / "kept.parquet")
    assert "1 of these were read in full only then, or only now: left out" in ran.err
    assert b"on 1 post: 0 change action" in ran.out
