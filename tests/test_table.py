import io

from rich.console import Console

from moderator.table import VerdictTable, coloured, counts_line
from tests.builders import a_post, a_screener, picture, screen_one


def printed(table: VerdictTable) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(table.render("verdicts"))
    return console.export_text()


def row(text: str, post: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(f" {post} "))
    return line


def test_a_row_says_what_was_decided_and_why() -> None:
    table = VerdictTable(10)
    table.add(screen_one(a_post("one", "red fire", picture("red"))), 12.4, "about fire")
    line = row(printed(table), "one")
    for cell in ("about fire", "block", "test/fire", "0.99", "0.94", "12 ms"):
        assert cell in line


def test_a_post_that_could_not_be_read_shows_the_reason() -> None:
    table = VerdictTable(10)
    table.add(screen_one(a_post("one", None, b"junk")), 1)
    assert "review" in row(printed(table), "one")
    assert "not_an_image" in row(printed(table), "one")


def test_rules_that_did_not_fire_are_not_shown_in_full_detail() -> None:
    table = VerdictTable(10)
    table.add(screen_one(a_post("one", "tomatoes"), a_screener(detail="full")), 1)
    assert "test/fire" not in printed(table)
    assert "allow" in row(printed(table), "one")


def test_a_dead_letter_shows_its_code() -> None:
    table = VerdictTable(10)
    table.add_dead_letter("one", "not_json", "nonsense")
    line = row(printed(table), "one")
    assert "dead letter" in line
    assert "not_json" in line


def test_only_the_last_rows_are_kept() -> None:
    table = VerdictTable(2)
    for name in ("first", "second", "third"):
        table.add_dead_letter(name, "x")
    text = printed(table)
    assert "first" not in text
    assert text.index("second") < text.index("third")


def test_what_a_stranger_wrote_is_no_markup() -> None:
    table = VerdictTable(2)
    table.add_dead_letter("[bold]x[/bold]", "x", "[link=http://x]here[/link]")
    assert "[bold]x[/bold]" in printed(table)
    assert "[link=http://x]here[/link]" in printed(table)


def test_counts_stand_on_one_line() -> None:
    assert counts_line([("allow", 120), ("label", 3)]).plain.split() == [
        "allow",
        "120",
        "label",
        "3",
    ]


def test_actions_have_colours_of_their_own() -> None:
    styles = {str(coloured(action).style) for action in ("allow", "review", "block", "label")}
    assert len(styles) == 4


def test_what_a_stranger_wrote_does_not_steer_the_terminal() -> None:
    table = VerdictTable(10)
    table.add_dead_letter("\x1b]0;mine\x07", "not_json", "\x9b2J")
    text = printed(table)
    assert not {"\x1b", "\x07", "\x9b"} & set(text)
    assert "\\u001b]0;mine\\u0007" in text
