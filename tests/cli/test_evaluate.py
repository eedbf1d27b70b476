"""`moderator eval` as a user runs it, with the starter encoders."""

import json
import re
from pathlib import Path

import pytest

from tests.builders import a_policy, a_rule
from tests.cli.running import Moderator

SCAMS = ["Send me bitcoin and I double your money, guaranteed!", "Guaranteed profit, invest now!"]
FINE = ["We planted tomatoes.", "The train is late again.", "Happy birthday, grandma!"]


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(a_policy(a_rule("scam", violates=SCAMS), policy="mine")))
    return path


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "posts.jsonl"
    rows = [
        {"id": f"{text} {n}", "text": f"{text} {'!' * n}", "labels": {"mine/scam": text in SCAMS}}
        for text in (*SCAMS, *FINE)
        for n in range(3)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_file_of_labelled_posts_is_judged_by_a_policy(
    moderator: Moderator, policy: Path, labelled: Path, tmp_path: Path
) -> None:
    ran = moderator(
        "eval", labelled, "--policy", policy, "--json", tmp_path / "out.json", "--html", tmp_path
    )
    assert ran.code == 0, ran.err
    assert "mine/scam" in ran.out.decode()
    (report,) = json.loads((tmp_path / "out.json").read_text())
    (fused,) = report["merits"]
    assert (fused["posts"], fused["positives"]) == (15, 6)
    assert fused["auroc"]["value"] == 1.0
    assert report["models"] == {"text": "starter", "image": "starter"}
    page = (tmp_path / "posts.html").read_text()
    assert page.count("<svg") == 4  # a curve, reliability, confusion, the map
    assert not re.findall(r'(?:src|href)="(?!#)', page)  # it loads nothing


def test_names_of_posts_cannot_write_into_the_page(
    moderator: Moderator, policy: Path, tmp_path: Path
) -> None:
    path = tmp_path / "<script>alert(1)<script>.jsonl"
    rows = [{"id": str(n), "text": text, "labels": {"mine/scam": n}} for n, text in enumerate(FINE)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert moderator("eval", path, "--policy", policy, "--html", tmp_path).code == 0
    (page,) = tmp_path.glob("*.html")
    assert "<script" not in page.read_text()


def test_without_a_suite_those_that_ship_are_listed_with_their_sources(
    moderator: Moderator,
) -> None:
    ran = moderator("eval")
    assert ran.code == 0
    assert "hatecheck" in ran.out.decode()
    assert "Röttger et al. 2021" in ran.out.decode()


def test_posts_of_a_suite_that_are_not_here_are_asked_for(moderator: Moderator) -> None:
    ran = moderator("eval", "hatecheck")
    assert ran.code == 2
    assert "data/eval/text/hatecheck.jsonl.gz: no such file" in " ".join(ran.err.split())
    assert "../" not in ran.err


def test_a_rule_that_the_policy_lacks_is_named_with_those_it_has(
    moderator: Moderator, policy: Path, tmp_path: Path
) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"id": "1", "text": "hi", "labels": {"mine/hate": 1}}\n')
    ran = moderator("eval", path, "--policy", policy)
    assert ran.code == 2
    assert "'mine/hate'" in ran.err
    assert "mine/scam" in ran.err


def test_a_task_may_be_judged_by_another_rule(
    moderator: Moderator, policy: Path, tmp_path: Path
) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "suite: s\ntitle: S\nsource: ours\nfile: rows.jsonl\ntext: text\n"
        "tasks:\n  scam: {rule: theirs/scam, label: scam, positive: 1, negative: 0}\n"
    )
    rows = [{"text": text, "scam": int(text in SCAMS)} for text in (*SCAMS, *FINE)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ("--policy", policy, "--data", tmp_path, "--json", tmp_path / "out.json")
    assert moderator("eval", suite, *options).code == 2
    ran = moderator("eval", suite, *options, "--rule", "scam=mine/scam")
    assert ran.code == 0, ran.err
    (report,) = json.loads((tmp_path / "out.json").read_text())
    assert report["merits"][0]["auroc"]["value"] == 1.0


def test_a_label_of_ones_own_file_may_be_judged_by_a_rule_of_another_name(
    moderator: Moderator, policy: Path, tmp_path: Path
) -> None:
    path = tmp_path / "posts.jsonl"
    rows = [
        {"id": text, "text": text, "labels": {"fraud": text in SCAMS}} for text in (*SCAMS, *FINE)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    without = moderator("eval", path, "--policy", policy)
    assert without.code == 2
    assert "--rule 'fraud=POLICY/RULE'" in " ".join(without.err.split())
    ran = moderator("eval", path, "--policy", policy, "--rule", "fraud=mine/scam")
    assert ran.code == 0, ran.err
    assert "fraud" in ran.out.decode()


@pytest.mark.parametrize("task", ["hatefull", "mine/scam "])
def test_a_rule_for_a_task_that_there_is_not_is_refused_with_those_there_are(
    moderator: Moderator, policy: Path, labelled: Path, task: str
) -> None:
    ran = moderator("eval", labelled, "--policy", policy, "--rule", f"{task}=mine/scam")
    assert ran.code == 2
    assert f"there is no task '{task}'; there are mine/scam" in " ".join(ran.err.split())


def test_results_that_cannot_be_written_are_refused_before_they_are_measured(
    moderator: Moderator, policy: Path, labelled: Path, tmp_path: Path
) -> None:
    for option, path, said in (
        ("--json", tmp_path / "absent" / "out.json", "there is no folder"),
        ("--json", tmp_path, "is a folder"),
        ("--html", labelled, "File exists"),
    ):
        ran = moderator("eval", labelled, "--policy", policy, option, path)
        assert ran.code == 2
        assert said in " ".join(ran.err.split())
        assert not ran.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is full")
def test_results_for_which_there_is_no_room_are_an_error_that_names_the_file(
    moderator: Moderator, policy: Path, labelled: Path
) -> None:
    ran = moderator("eval", labelled, "--policy", policy, "--json", "/dev/full")
    assert ran.code == 2
    assert "/dev/full: cannot be written: No space left on device" in " ".join(ran.err.split())


def test_posts_that_could_not_be_read_are_counted_and_said(
    moderator: Moderator, policy: Path, tmp_path: Path
) -> None:
    path = tmp_path / "posts.jsonl"
    rows: list[dict[str, object]] = [{"text": text} for text in SCAMS]
    rows.append({"media": [{"data": "aGVsbG8="}]})
    rows = [{"id": str(n), **row, "labels": {"mine/scam": 1}} for n, row in enumerate(rows)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = moderator("eval", path, "--policy", policy, "--json", tmp_path / "out.json")
    assert ran.code == 0, ran.err
    assert "1 of the posts could not be read in full" in ran.out.decode()
    (report,) = json.loads((tmp_path / "out.json").read_text())
    assert (report["posts"], report["unread"]) == (3, 1)
    assert report["merits"][0]["posts"] == 2


def test_a_page_shows_rules_that_have_no_prompts(moderator: Moderator, tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    words = a_rule("words", violates=[], keywords=["bitcoin"])
    both = a_rule("both", violates=[], when={"all": ["words"]})
    policy = tmp_path / "mine.yaml"
    rows = [
        {"id": text, "text": text, "labels": {"mine/words": "bitcoin" in text, "mine/both": 0}}
        for text in (*SCAMS, *FINE)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for rules in ([words, both], [words, both, a_rule("scam", violates=SCAMS)]):
        policy.write_text(json.dumps(a_policy(*rules, policy="mine")))
        ran = moderator("eval", path, "--policy", policy, "--html", tmp_path)
        assert ran.code == 0, ran.err
        assert "nan" not in (tmp_path / "posts.html").read_text().lower()


def test_a_rule_option_without_a_rule_says_how_to_write_it(
    moderator: Moderator, policy: Path
) -> None:
    ran = moderator("eval", "hatecheck", "--policy", policy, "--rule", "hateful")
    assert ran.code == 2
    assert "TASK=POLICY/RULE" in ran.err
