from dataclasses import dataclass

import pytest

from moderator.stream import dead_letters
from moderator.verdicts import ModalityReport, PolicyRef, Verdict


@dataclass
class Record:
    headers: tuple[tuple[str, bytes], ...] = ()
    topic: str = "posts"
    partition: int = 3
    offset: int = 41


OWN = [
    ("moderator-code", b"not_json"),
    ("moderator-reason", "it is größer".encode()),
    ("moderator-topic", b"posts"),
    ("moderator-partition", b"3"),
    ("moderator-offset", b"41"),
]


def verdict(*reports: ModalityReport) -> Verdict:
    return Verdict(
        id="v",
        post_id="1",
        action="review",
        policy=PolicyRef("p", "1", "d"),
        models={},
        modalities=reports,
    )


def test_headers_say_why_and_where_from() -> None:
    assert dead_letters.headers(Record(), "not_json", "it is größer") == OWN


def test_the_original_headers_come_first_also_those_that_repeat() -> None:
    original = (("trace", b"\x00\xff"), ("x", b"1"), ("x", b"2"))
    found = dead_letters.headers(Record(original), "not_json", "it is größer")
    assert found == [*original, *OWN]


def test_the_marks_of_an_earlier_death_are_replaced() -> None:
    original = (("moderator-code", b"old"), ("moderator-else", b"old"), ("x", b"1"))
    found = dead_letters.headers(Record(original), "not_json", "it is größer")
    assert found == [("x", b"1"), *OWN]


def test_the_original_headers_may_be_left_out() -> None:
    assert (
        dead_letters.headers(Record((("x", b"1"),)), "not_json", "it is größer", keep=False) == OWN
    )


def test_a_long_reason_is_cut() -> None:
    found = dict(dead_letters.headers(Record(), "code", "ü" * 10_000))
    assert len(found["moderator-reason"].decode()) == 500


@pytest.mark.parametrize("status", ["read", "missing", "truncated"])
def test_what_was_read_or_was_not_there_is_no_failure(status: str) -> None:
    report = ModalityReport(channel="text", status=status)  # type: ignore[arg-type]
    assert dead_letters.failure(verdict(report)) is None


def test_every_failed_part_is_told_and_the_first_gives_the_code() -> None:
    failed = [
        ModalityReport(channel="image", status="failed", media="1", code="gone", reason="404"),
        ModalityReport(channel="text", status="failed", code="nan", reason="NaN"),
    ]
    read = ModalityReport(channel="image", status="read")
    found = dead_letters.failure(verdict(read, *failed))
    assert found == ("gone", "image 1: 404; text: NaN")
