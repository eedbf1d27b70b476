"""Real models over pictures drawn here, and what becomes of those that are too much."""

import pickle
from itertools import count

import numpy as np
import pytest
from PIL import Image

from moderator.encoders.base import Pixels
from moderator.errors import ModelError
from moderator.ocr.base import OcrLimits, Written
from moderator.ocr.engine import Engine, Found, Line, engine_name
from moderator.ocr.reader import RapidReader, RapidReading
from tests.written import page

LOCKED = "Your account is locked.\nReply with your PIN to\nhttp://bank.example/verify"


def read(reader: RapidReader, *images: Image.Image) -> Written:
    reading = reader.begin()
    for image in images:
        reading.look(image)
    return reading.written()


def test_what_is_written_is_read_line_by_line(reader: RapidReader) -> None:
    written = read(reader, page(LOCKED))
    assert [writing.text for writing in written.writings] == [LOCKED]
    assert (written.unread, written.outcome) == (None, "read")
    assert written.took_seconds > 0


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_picture_that_lies_on_its_side_is_read(reader: RapidReader, degrees: int) -> None:
    turned = page("Your account\nis locked").rotate(degrees, expand=True)
    (writing,) = read(reader, turned).writings
    assert set(writing.text.split()) == {"Your", "account", "is", "locked"}


def test_a_picture_is_not_changed_by_being_read(reader: RapidReader) -> None:
    image = page("Send money", size=(2400, 1200))
    before = image.tobytes()
    read(reader, image)
    assert (image.size, image.tobytes()) == ((2400, 1200), before)


def test_a_blank_picture_costs_a_glance(reader: RapidReader) -> None:
    assert read(reader, Image.new("RGB", (900, 900), "navy")).outcome == "spared"


def test_a_picture_full_of_edges_without_text_is_blank(reader: RapidReader) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    written = read(reader, Image.fromarray(noise))
    assert (written.writings, written.outcome) == ((), "blank")


def test_frames_that_say_the_same_say_it_once(reader: RapidReader) -> None:
    reading = reader.begin()
    for second in (0.5, 1.5):
        reading.look(page("Send money now"), second)
    (writing,) = reading.written().writings
    assert writing == ("Send money now", 0.5)


def test_a_reader_is_sent_to_another_process_without_its_models(reader: RapidReader) -> None:
    sent = pickle.dumps(reader)
    assert len(sent) < 1000
    assert pickle.loads(sent).scope == reader.scope


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install 'moderator\[ocr\]'.*MODERATOR_OCR=off"):
        engine_name()


class Lines(Engine):
    """Finds as many lines as it is told, one below the other, and reads `line` in each."""

    def __init__(self, lines: int, *, complete: bool = True, text: str = "line") -> None:
        self.lines, self.complete, self.text = lines, complete, text

    def find(self, pixels: object) -> Found:
        tops = 10 * np.arange(self.lines, dtype=np.float32)
        corners = np.array([(0, 0), (50, 0), (50, 9), (0, 9)], np.float32)
        moved = np.stack([np.zeros_like(tops), tops], axis=1)
        return Found(corners + moved[:, None], self.complete)

    def read(self, crops: list[Pixels]) -> list[Line]:
        return [Line(f"{self.text} {crop.shape[1]}", 0.9) for crop in crops]


def reading(lines: Lines, **limits: float) -> RapidReading:
    ticks = count()
    given = OcrLimits(**limits)  # type: ignore[arg-type]
    return RapidReading(lambda: lines, given, lambda: float(next(ticks)))


def test_what_is_not_read_in_time_is_reported_and_the_rest_kept() -> None:
    slow = reading(Lines(60), seconds=6)
    slow.look(page("text"))
    written = slow.written()
    assert written.unread is not None
    assert (written.unread.code, written.unread.failed) == ("ocr_too_slow", False)
    assert written.outcome == "cut"
    assert 0 < len(written.writings[0].text.splitlines()) < 60


def test_all_views_of_a_medium_share_its_time() -> None:
    slow = reading(Lines(3, text="a"), seconds=10)
    for second in range(6):
        slow.look(page("text"), float(second))
    assert slow.written().unread is not None


def test_more_lines_than_the_limit_are_reported() -> None:
    many = reading(Lines(9), seconds=1e6, max_lines=4)
    many.look(page("text"))
    written = many.written()
    assert len(written.writings[0].text.splitlines()) == 4
    assert written.unread == ("ocr_too_long", "read 4 lines of text in it; there are more", False)


def test_more_shapes_than_are_looked_at_are_reported() -> None:
    many = reading(Lines(1, complete=False), seconds=1e6)
    many.look(page("text"))
    unread = many.written().unread
    assert unread is not None
    assert unread.code == "ocr_too_long"


def test_more_characters_than_the_limit_are_reported() -> None:
    long = reading(Lines(2, text="x" * 50), seconds=1e6, max_characters=60)
    long.look(page("text"))
    written = long.written()
    assert len(written.writings[0].text) == 60
    assert written.unread is not None
    assert written.unread.reason == "read 60 characters of text in it; there are more"


def test_a_bug_is_a_failure_that_quotes_nothing() -> None:
    class Broken(Lines):
        def read(self, crops: object) -> list[Line]:
            raise RuntimeError("what was written")

    broken = reading(Broken(2), seconds=1e6)
    broken.look(page("text"))
    written = broken.written()
    assert written.outcome == "failed"
    assert written.unread is not None
    assert (written.unread.code, written.unread.failed) == ("ocr_failed", True)
    assert "what was written" not in written.unread.reason


@pytest.mark.parametrize("quad", [[(5, 5)] * 4, [(5, 5), (9, 5), (9, 5), (5, 5)]])
def test_a_box_without_area_has_nothing_in_it(quad: list[tuple[int, int]]) -> None:
    pixels = np.zeros((20, 20, 3), np.uint8)
    assert Lines(1).crop(pixels, np.array(quad, np.float32)) is None
