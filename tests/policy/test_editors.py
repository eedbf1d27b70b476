"""The schema in an editor: VS Code and others ask yaml-language-server, and so do we."""

import uuid
from collections.abc import Iterator

import pytest

from moderator.contracts import render
from moderator.settings import bundled
from tests.services import language_server
from tests.services.language_server import Editor, LanguageServer
from tests.services.missing import without
from tests.services.packages import Announce, UnavailableError

HEAD = """\
# yaml-language-server: $schema=./policy.schema.json
policy: a
version: 1
rules:
  - id: hate
    title: Hate
    severity: high
    action: block
    threshold: 0.8
    violates: [They are all vermin.]
"""


@pytest.fixture(scope="module")
def server(
    announce: Announce, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LanguageServer]:
    """Start the language server; skip, or fail in CI, where it cannot be had."""
    try:
        command = language_server.install(announce)
    except UnavailableError as error:
        raise without(f"no yaml-language-server: {error}") from None
    folder = tmp_path_factory.mktemp("editors")
    (folder / "policy.schema.json").write_text(render("policy"))
    with LanguageServer(command, folder) as started:
        yield started


@pytest.fixture
def editor(server: LanguageServer) -> Editor:
    """Return an editor with a file of the test's own."""
    return Editor(server, server.folder / f"{uuid.uuid4().hex}.yaml")


def test_a_good_policy_is_not_underlined(editor: Editor) -> None:
    assert editor.open(HEAD) == []


@pytest.mark.parametrize("name", ["community", "kids", "marketplace", "minimal"])
def test_no_policy_that_ships_is_underlined(editor: Editor, name: str) -> None:
    text = (bundled("policies") / f"{name}.yaml").read_text(encoding="utf-8")
    assert editor.open("# yaml-language-server: $schema=./policy.schema.json\n" + text) == []


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("    treshold: 0.5", (10, 4)),
        ("    mode: shadwo", (10, 10)),
        ("    review_at: 2", (10, 15)),
        ("    applies_to: {language: [en]}", (10, 17)),
    ],
)
def test_a_mistake_is_underlined_where_it_stands(
    editor: Editor, line: str, at: tuple[int, int]
) -> None:
    found = editor.open(HEAD + line + "\n")
    starts = [(f["range"]["start"]["line"], f["range"]["start"]["character"]) for f in found]
    assert at in starts


def test_keys_of_a_rule_are_offered(editor: Editor) -> None:
    editor.open(HEAD + "    \n")
    offered = editor.completions(10, 4)
    assert {"keywords", "applies_to", "mode", "examples", "fusion", "except", "when"} <= offered
    assert "title" not in offered  # it is there


def test_words_of_a_key_are_offered(editor: Editor) -> None:
    editor.open(HEAD + "    fusion: \n")
    assert {"max", "weighted", "noisy_or", "learned"} <= editor.completions(10, 12)


def test_a_key_under_the_mouse_explains_itself(editor: Editor) -> None:
    editor.open(HEAD)
    assert "from which the action is taken" in editor.hover(8, 6)
    assert "How bad it is" in editor.hover(6, 6)
