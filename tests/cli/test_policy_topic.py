"""Policies into the topic and back, as a user types it."""

import json
from pathlib import Path

import pytest

from tests.builders import a_policy, a_rule
from tests.cli.running import Moderator
from tests.services.kafka.cluster import Cluster


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spam.yaml"


def write(file: Path, version: int) -> Path:
    rule = a_rule("scam", violates=["Send me bitcoin, I double it."], threshold=0.5 + version / 10)
    file.write_text(json.dumps(a_policy(rule, policy="spam", version=version), indent=1))
    return file


def test_policies_are_published_listed_compared_and_taken_back(
    moderator: Moderator, real_kafka: Cluster, file: Path, request: pytest.FixtureRequest
) -> None:
    where = ("--kafka", real_kafka.bootstrap, "--topic", f"policies-{id(request)}")
    by = ("--who", "ann", "--note", "a first try")
    for version in (1, 2):
        ran = moderator("policy", "publish", write(file, version), *where, *by)
        assert ran.code == 0, ran.err
        assert f"published: spam version {version}, 1 rules, digest".encode() in ran.out
    again = moderator("policy", "publish", file, *where)
    assert (again.code, again.out) == (2, b"")
    assert "is in force already" in again.err

    listed = moderator("policy", "history", *where).out.decode()
    digest = listed.splitlines()[-1].split()[-4]
    assert "ann" in listed
    assert "1 (+0 -0 ~1)" in listed
    diff = moderator("policy", "history", *where, "--diff", digest).out.decode()
    assert '+   "threshold": 0.7' in diff
    assert moderator("policy", "history", *where, "--diff", "zz").code == 1

    back = moderator("policy", "rollback", *where)
    assert b"rolled back to spam version 1" in back.out
    assert "rollback" in moderator("policy", "history", *where).out.decode().splitlines()[-1]


def test_an_invalid_policy_is_not_published(
    moderator: Moderator, real_kafka: Cluster, file: Path
) -> None:
    file.write_text("policy: a\nversoin: 1\n")
    ran = moderator("policy", "publish", file, "--kafka", real_kafka.bootstrap)
    assert (ran.code, ran.out) == (2, b"")
    assert "did you mean `version`" in ran.err
