"""Decisions become labels, and only those that stand."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from moderator.authoring.labels import read_labels
from moderator.posts import Post
from moderator.reviews import Review, labelled, labels_of
from moderator.verdicts import PolicyRef
from tests.console.serving import a_hit, a_post, a_verdict


def a_review(name: str, post: str = "1", **keys: Any) -> Review:
    given: dict[str, Any] = {"decision": "block", "labels": {"test/fire": 1}, "reviewer": "ada"}
    return Review(
        id=name,
        post_id=post,
        verdict_id="v",
        at=datetime.now(UTC),
        policy=PolicyRef("test", "1", "abcd"),
        post=Post(id=post, text="red fire"),
        **(given | keys),
    )


def test_allow_says_that_no_rule_that_acted_should_have() -> None:
    hits = (a_hit("test/fire"), a_hit("test/shadow", shadow=True), a_hit("test/ice"))
    verdict = a_verdict(a_post("1"), "review", *hits)
    assert labels_of("allow", verdict, "test/fire") == {"test/fire": 0, "test/ice": 0}


@pytest.mark.parametrize(("decision", "label"), [("block", 1), ("wrong_rule", 0)])
def test_other_decisions_are_about_the_rule_they_name(decision: Any, label: int) -> None:
    verdict = a_verdict(a_post("1"), "review", a_hit("test/fire"), a_hit("test/ice"))
    assert labels_of(decision, verdict, "test/ice") == {"test/ice": label}


def test_an_undone_decision_leaves_no_label() -> None:
    undone = a_review("r2", decision="undo", undoes="r1", labels={})
    assert labelled([a_review("r1"), undone]) == ([], 0)


def test_labels_on_which_reviewers_disagree_are_left_out_and_counted() -> None:
    other = a_review("r2", reviewer="grace", decision="allow", labels={"test/fire": 0})
    assert labelled([a_review("r1"), other]) == ([], 1)


def test_labels_of_two_posts_with_one_id_stay_with_their_posts() -> None:
    other = a_review("r2", post="1", labels={"test/fire": 0})
    other = msgspec.structs.replace(other, post=Post(id="1", text="a lovely day"))
    lines, contested = labelled([a_review("r1"), other])
    assert {line.post.text: line.labels["test/fire"] for line in lines} == {
        "red fire": 1,
        "a lovely day": 0,
    }
    assert contested == 0


def test_what_is_exported_is_what_calibrate_reads(tmp_path: Path) -> None:
    lines, _ = labelled([a_review("r1"), a_review("r2", post="2", labels={"test/fire": 0})])
    file = tmp_path / "labels.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    read = read_labels(file, ["test/fire"])
    assert [post.id for post in read.posts] == ["1", "2"]
    assert read.labels.tolist() == [[1], [0]]
