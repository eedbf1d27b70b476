"""The list of codes is what the code raises, reports and refuses: no more and no less."""

import ast
from collections.abc import Iterator
from pathlib import Path

import moderator
from moderator.codes import CODES, insert_table
from moderator.errors import InferenceError, TransientError
from moderator.verdicts import DEFERRED

PACKAGE = Path(moderator.__file__).parent
#: Who takes a code, and as which of its arguments.
TAKES = {"MediaError": 0, "PostError": 0, "cut": 2, "_refuse": 1, "_dead_letter": 2, "_stop": 0}
#: Codes that no call spells out: those of classes, of `_truncation`, and `decoder_` with a reason.
NAMED = {TransientError.code, InferenceError.code, DEFERRED, "image_truncated", "video_truncated"}
NAMED |= {"decoder_crashed", "decoder_timed_out", "post_too_large"}


def spelt_out() -> Iterator[str]:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else None
            name = function.id if isinstance(function, ast.Name) else name
            place = TAKES.get(name or "")
            if place is None or len(node.args) <= place:
                continue
            code = node.args[place]
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                yield code.value


def test_every_code_is_listed_and_no_other() -> None:
    found = set(spelt_out())
    assert len(found) > 25
    assert found | NAMED == set(CODES)


def test_the_page_for_operators_lists_them() -> None:
    page = Path("docs/operators.md").read_text(encoding="utf-8")
    assert "| `nothing_seen` | review, dead letter |" in page
    assert insert_table(page) == page, "run `python -m moderator.codes`"
