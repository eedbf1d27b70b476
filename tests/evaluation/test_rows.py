import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from moderator.errors import StartupError
from moderator.evaluation.rows import read_examples, tasks_of
from moderator.evaluation.suites import Suite, load_suite, shipped

TASKS = {
    "hate": {"rule": "p/hate", "label": "labels.H", "positive": 1, "negative": 0},
    "threat": {"rule": "p/threat", "label": "labels.T", "positive": 1, "negative": 0},
}


def suite(**fields: Any) -> Suite:
    given = {"suite": "s", "title": "S", "source": "", "file": "rows.jsonl.gz", "text": "text"}
    return Suite.model_validate(given | {"tasks": TASKS} | fields)


def write(folder: Path, *rows: Any) -> None:
    with gzip.open(folder / "rows.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


def test_rows_become_posts_with_what_is_known_of_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"text": "a", "labels": {"H": 1}},
        {"text": "b", "labels": {"H": 0, "T": 0}},
        {"text": "nothing known", "labels": {}},
    )
    first, second = read_examples(suite(together="any"), tmp_path)
    assert (first.post.text, first.truth) == ("a", {"hate": True, "any": True})
    assert (second.post.text, second.truth) == ("b", {"hate": False, "threat": False, "any": False})


def test_rows_may_be_left_out_and_grouped(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"text": "a", "labels": {"H": 1}, "kind": "slur"},
        {"text": "b", "labels": {"H": 1}, "kind": "minor"},
    )
    (only,) = read_examples(suite(without={"kind": "minor"}, group="kind"), tmp_path)
    assert (only.post.text, only.group) == ("a", "slur")


def test_the_task_of_all_is_judged_by_all_rules(tmp_path: Path) -> None:
    write(tmp_path, {"text": "a", "labels": {"H": 1}})
    all_of_them = suite(together="any")
    tasks = tasks_of(all_of_them, read_examples(all_of_them, tmp_path))
    assert tasks == {"hate": ("p/hate",), "threat": ("p/threat",), "any": ("p/hate", "p/threat")}


def test_images_come_out_of_the_archive(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "images.tar", "w") as archive:
        member = tarfile.TarInfo("one.png")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"bytes"))
    write(tmp_path, {"image": "one.png", "labels": {"H": 1}})
    (only,) = read_examples(suite(text=None, image="image", archive="images.tar"), tmp_path)
    assert only.post.media[0].data == b"bytes"
    write(tmp_path, {"image": "two.png", "labels": {"H": 1}})
    with pytest.raises(StartupError, match=r"rows\.jsonl\.gz:1: not a labelled post: 'two\.png'"):
        read_examples(suite(text=None, image="image", archive="images.tar"), tmp_path)


def test_a_file_of_posts_with_labels_is_a_suite(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": "1", "text": "hi", "labels": {"p/a": 1, "p/b": null}}\n')
    mine = load_suite(str(path))
    (only,) = examples = read_examples(mine, Path("elsewhere"))
    assert (only.post.id, only.truth) == ("1", {"p/a": True})
    assert tasks_of(mine, examples) == {"p/a": ("p/a",)}
    assert tasks_of(mine, examples, {"p/a": "q/b"}) == {"p/a": ("q/b",)}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not gzip", "rows.jsonl.gz: cannot be read after line 0: Not a gzipped file"),
        (
            gzip.compress(b'{"text": "a", "labels": {"H": 1}}\n{', mtime=0),
            "rows.jsonl.gz:2: not a JSON",
        ),
        (
            gzip.compress(b'{"text": 3, "labels": {"H": 1}}\n', mtime=0),
            "rows.jsonl.gz:1: not a labelled post",
        ),
        (gzip.compress(b"", mtime=0), "no row answers a task"),
    ],
)
def test_a_broken_file_is_named_with_the_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "rows.jsonl.gz").write_bytes(content)
    with pytest.raises(StartupError, match=said):
        read_examples(suite(), tmp_path)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_missing_file_says_where_it_comes_from_and_which_option_names_its_folder(
    tmp_path: Path, name: str
) -> None:
    wanted = load_suite(name)
    with pytest.raises(StartupError) as caught:
        read_examples(wanted, tmp_path)
    said = str(caught.value)
    assert said.startswith(str(tmp_path / wanted.file))
    assert f"({wanted.source})" in said
    assert "--data" in said


def test_a_missing_file_of_ones_own_is_only_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"mine\.jsonl: no such file$"):
        read_examples(load_suite(str(tmp_path / "mine.jsonl")), tmp_path)
