"""The command line from arguments to exit code; the same process but where the process matters."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from moderator import contracts
from moderator.settings import PREFIX, Settings
from moderator.verdicts import decode_verdict
from tests.builders import a_policy, a_rule
from tests.cli.running import Moderator, Ran

COMMAND = [sys.executable, "-c", "from moderator.cli import main; main()"]
POLICY_COMMANDS = [
    "check",
    "test",
    "explain",
    "calibrate",
    "audit",
    "embed",
    "diff",
    "backtest",
    "new",
    "fmt",
    "schema",
    "docs",
    "publish",
    "rollback",
    "history",
]
MODELS_COMMANDS = ["list", "bench", "pull", "verify", "show", "optimize", "export"]
COMMANDS = ["worker", "screen", "produce", "tail", "demo", "config", "schema", "eval", "replay"]
COMMANDS += [f"policy {name}" for name in POLICY_COMMANDS]
COMMANDS += [f"models {name}" for name in MODELS_COMMANDS]


@pytest.fixture
def spam(tmp_path: Path) -> Path:
    """A policy that the starter models understand."""
    path = tmp_path / "spam.yaml"
    prompts = ["Send me bitcoin and I will double your money.", "Guaranteed profit, invest now!"]
    rule = a_rule("scam", violates=prompts, threshold=0.5, review_at=0.3)
    path.write_text(json.dumps(a_policy(rule, policy="spam")))
    return path


def lines(*posts: Any) -> bytes:
    return b"".join(json.dumps(post).encode() + b"\n" for post in posts)


POSTS = [{"id": str(n), "text": f"We planted {n} tomatoes."} for n in range(40)]
POSTS[7]["text"] = "Send me bitcoin now and I double your money, guaranteed profit!"


def test_posts_of_a_file_are_screened_in_their_order(
    moderator: Moderator, spam: Path, tmp_path: Path
) -> None:
    (tmp_path / "posts.jsonl").write_bytes(lines(*POSTS))
    ran = moderator("screen", "--policy", spam, tmp_path / "posts.jsonl")
    verdicts = [decode_verdict(line) for line in ran.out.splitlines()]
    assert [verdict.post_id for verdict in verdicts] == [post["id"] for post in POSTS]
    assert [v.post_id for v in verdicts if v.action == "block"] == ["7"]
    assert (ran.code, ran.err) == (0, "")


def test_posts_of_standard_input_are_screened_and_all_rules_listed(
    moderator: Moderator, spam: Path
) -> None:
    ran = moderator("screen", "--full", "--policy", spam, "-", given=lines(*POSTS[:2]) + b"\n  \n")
    verdicts = [decode_verdict(line) for line in ran.out.splitlines()]
    assert [verdict.post_id for verdict in verdicts] == ["0", "1"]
    assert [rule.id for verdict in verdicts for rule in verdict.rules] == ["spam/scam"] * 2
    assert ran.code == 0


def test_bad_lines_are_reported_with_their_numbers_and_the_others_screened(
    moderator: Moderator, spam: Path, tmp_path: Path
) -> None:
    file = tmp_path / "posts.jsonl"
    bad = {3: b"not json", 20: b'{"text": "no id"}', 100: b"[]"}
    good = lines(*POSTS * 3).splitlines()
    file.write_bytes(b"\n".join(bad.get(n, good[n]) for n in range(1, 110)))
    ran = moderator("screen", "--policy", spam, file)
    assert ran.code == 1
    assert len(ran.out.splitlines()) == 106
    places = [line.partition(": ")[0] for line in ran.err.splitlines()]
    assert places == [f"{file}:{number}" for number in bad]
    assert "`id`" in ran.err.splitlines()[1]


def test_a_file_without_posts_has_no_verdicts(moderator: Moderator, spam: Path) -> None:
    assert moderator("screen", "--policy", spam, "-") == Ran(0, b"", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["screen", "--policy", "nowhere.yaml", "-"], "nowhere.yaml"),
        (["screen", "--models", "nowhere", "-"], "nowhere: no such folder of models"),
        (["screen", "--policy", "policies/minimal.yaml", "no.jsonl"], "no.jsonl: cannot be read"),
        (["policy", "check", "nowhere.yaml"], "nowhere.yaml"),
        (["worker", "--kafka", "localhost"], "MODERATOR_KAFKA: 'localhost' is not host:port"),
    ],
)
def test_what_cannot_start_says_why_and_ends_with_two(
    moderator: Moderator, arguments: list[str], said: str
) -> None:
    ran = moderator(*arguments)
    assert (ran.code, ran.out) == (2, b"")
    assert said in ran.err
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("command", [["screen", "-", "--policy"], ["policy", "check"]])
def test_a_broken_policy_is_shown_with_its_place(
    moderator: Moderator, tmp_path: Path, command: list[str]
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("policy: broken\nversion: 1\nrules:\n  - id: one\n    titel: One\n")
    ran = moderator(*command, path)
    assert (ran.code, ran.out) == (2, b"")
    assert f"{path}:5:5: " in ran.err
    assert "titel" in ran.err


@pytest.mark.parametrize("line", [100, 1234])
def test_places_are_not_turned_into_emoji(moderator: Moderator, tmp_path: Path, line: int) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("policy: broken\nversion: 1\n" + "\n" * (line - 3) + "titel: x\n")
    assert f"{path}:{line}:1: " in moderator("policy", "check", path).err


def test_a_good_policy_is_summed_up(moderator: Moderator, spam: Path) -> None:
    ran = moderator("policy", "check", spam)
    assert ran.code == 0
    assert re.match(rb"ok: spam version 1, 1 rules, digest [0-9a-f]{32}\n$", ran.out)


def test_the_policies_that_ship_are_good(moderator: Moderator) -> None:
    assert moderator("policy", "check", "policies").code == 0


def test_config_shows_every_setting_and_where_it_came_from(
    moderator: Moderator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODERATOR_GROUP", "another")
    monkeypatch.setenv("MODERATOR_REDIS", "redis://:s3cret@host/0")
    ran = moderator("config")
    rows = dict(line.split("=", 1) for line in ran.out.decode().splitlines())
    assert set(rows) == {PREFIX + name.upper() for name in Settings.model_fields}
    assert rows["MODERATOR_GROUP"] == "another  # environment"
    assert rows["MODERATOR_KAFKA"] == "127.0.0.1:9092  # default"
    assert b"s3cret" not in ran.out


def test_config_tells_what_is_wrong(moderator: Moderator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATOR_BATCH_POSTS", "0")
    ran = moderator("config")
    assert (ran.code, ran.out) == (2, b"")
    assert "MODERATOR_BATCH_POSTS" in ran.err


@pytest.mark.parametrize("contract", list(contracts.CONTRACTS))
def test_a_schema_is_printed_as_it_is_shipped(moderator: Moderator, contract: str) -> None:
    assert moderator("schema", contract).out.decode() == contracts.render(contract)


def test_an_unknown_schema_is_refused_with_those_there_are(moderator: Moderator) -> None:
    ran = moderator("schema", "posts")
    assert (ran.code, ran.out) == (2, b"")
    assert "post, verdict, policy" in ran.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(moderator: Moderator, command: str) -> None:
    ran = moderator(*command.split(), "--help")
    assert ran.code == 0
    assert f"moderator {command}" in ran.out.decode()


def test_help_lists_every_command(moderator: Moderator) -> None:
    text = moderator("--help").out.decode()
    assert all(command.split()[0] in text for command in COMMANDS)


def test_as_a_process_it_prints_verdicts_only_and_ends_with_its_code(spam: Path) -> None:
    given = lines(POSTS[7]) + b"junk\n"
    ran = subprocess.run(
        [*COMMAND, "screen", "--policy", spam, "-"], input=given, capture_output=True, check=False
    )
    assert ran.returncode == 1
    (line,) = ran.stdout.splitlines()
    assert decode_verdict(line).action == "block"
    assert ran.stderr.startswith(b"-:2: not JSON")


def test_a_reader_that_leaves_early_is_no_error_worth_a_traceback(spam: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "screen", "--full", "--policy", spam, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.write(lines(*POSTS))
        process.stdin.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == 1
    assert err == b""


def test_help_waits_for_neither_models_nor_kafka() -> None:
    code = "import moderator.cli, sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"onnxruntime", "tokenizers", "faust", "aiokafka", "sklearn"} & set(
        ran.stdout.split()
    )
