"""Pictures read within limits: a glance, then boxes, then lines, and the clock in between.

Of one medium all views are read within one time, each text is kept once, and what was not reached
is said, never passed over.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from PIL import Image

from moderator.encoders.base import Pixels
from moderator.errors import bug
from moderator.ocr.base import OcrLimits, Unread, UnreadCode, Writing, Written
from moderator.ocr.engine import Engine, Quads, engine_name
from moderator.ocr.glance import may_have_text
from moderator.ocr.layout import Placed, as_text, pieces

#: Raise it when our code reads something else in the same picture.
_VERSION: Final = 1

_READ_SIDE: Final = 1920  # pixels, the longer one of a piece, out of which lines are cut
_SURE: Final = 0.5  # what is read with less confidence is no text
_FEWEST_LETTERS: Final = 2  # and digits; what has less is a stroke taken for one
_AT_ONCE: Final = 6  # lines for one run of a model
_WIDTHS: Final = 120  # their widths together, in heights: bounds memory


class RapidReader:
    """A `TextReader`. Its models are loaded when they are first needed, in each process anew."""

    side: Final = 640

    def __init__(self, limits: OcrLimits, clock: Callable[[], float] = time.thread_time) -> None:
        """Raises ModelError when the extra is not installed.

        `clock`: of what this thread computes, which is all there is to reading; so a machine that
        is busy with other things reads as much of a picture as an idle one.
        """
        self.name = engine_name()
        self._limits = limits
        self._clock = clock
        self._engine: Engine | None = None
        self._loading = threading.Lock()

    def __getstate__(self) -> tuple[str, OcrLimits, Callable[[], float]]:
        return self.name, self._limits, self._clock

    def __setstate__(self, state: tuple[str, OcrLimits, Callable[[], float]]) -> None:
        self.name, self._limits, self._clock = state
        self._engine, self._loading = None, threading.Lock()

    @property
    def scope(self) -> str:
        """See `TextReader`."""
        return f"{self.name}, {_VERSION}, {self._limits}"

    def warm_up(self) -> None:
        """See `TextReader`."""
        self._loaded()

    def begin(self) -> "RapidReading":
        """See `TextReader`."""
        return RapidReading(self._loaded, self._limits, self._clock)

    def _loaded(self) -> Engine:
        with self._loading:
            if self._engine is None:
                self._engine = Engine()
            return self._engine


class _OutOfTimeError(Exception):
    """The medium has had its time."""


class RapidReading:
    """See `Reading`."""

    def __init__(
        self, engine: Callable[[], Engine], limits: OcrLimits, clock: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._clock = clock
        self._deadline = 0.0  # of the view that is looked at
        self._took_seconds = 0.0
        self._spared = True
        self._lines_left = limits.max_lines
        self._characters_left = limits.max_characters
        self._texts: dict[str, float | None] = {}  # where each was first seen
        self._unread: Unread | None = None

    def look(self, image: Image.Image, seconds: float | None = None) -> None:
        """See `Reading`."""
        began = self._clock()
        try:
            if may_have_text(image):
                self._spared = False
                engine = self._engine()
                began = self._clock()  # the first picture does not pay for loading the models
                self._deadline = began + self._limits.seconds - self._took_seconds
                self._read(engine, image, seconds)
        except MemoryError:
            self._stop("ocr_failed", "reading text in it needs too much memory", failed=True)
        except Exception as error:  # noqa: BLE001 - a bug must not cost the picture its own look
            self._stop("ocr_failed", f"reading text in it failed: {bug(error)}", failed=True)
        finally:
            self._took_seconds += self._clock() - began

    def written(self) -> Written:
        """See `Reading`."""
        found = tuple(Writing(text, seconds) for text, seconds in self._texts.items())
        return Written(found, self._unread, self._spared, self._took_seconds)

    def _stop(self, code: UnreadCode, reason: str, *, failed: bool = False) -> None:
        """Say that not all was read; what was said first, or is worse, stands."""
        if self._unread is None or (failed and not self._unread.failed):
            self._unread = Unread(code, reason, failed)

    def _read(self, engine: Engine, image: Image.Image, seconds: float | None) -> None:
        placed: list[list[Placed]] = []
        try:
            for piece in pieces(image):
                self._check_time()
                placed.append([])
                for line in self._lines(engine, _fitted(piece)):
                    placed[-1].append(line)
        except _OutOfTimeError:
            limit = self._limits.seconds
            self._stop("ocr_too_slow", f"not all text in it was read in {limit:g} s")
        finally:
            self._keep("\n".join(filter(None, map(as_text, placed))), seconds)

    def _check_time(self) -> None:
        if self._clock() > self._deadline:
            raise _OutOfTimeError

    def _lines(self, engine: Engine, pixels: Pixels) -> Iterator[Placed]:
        """Raises _OutOfTimeError after what could be read."""
        found = engine.find(pixels)
        quads = found.quads[: self._lines_left]
        if len(quads) < len(found.quads) or not found.complete:
            most = self._limits.max_lines
            self._stop("ocr_too_long", f"read {most} lines of text in it; there are more")
        self._lines_left -= len(quads)
        for places, crops in _batches(engine, pixels, quads):
            self._check_time()
            for place, line in zip(places, engine.read(crops), strict=True):
                if line.confidence >= _SURE:
                    yield Placed(quads[place], line.text)

    def _keep(self, text: str, seconds: float | None) -> None:
        if sum(map(str.isalnum, text)) < _FEWEST_LETTERS or text in self._texts:
            return
        kept = text[: self._characters_left]
        self._characters_left -= len(kept)
        if len(kept) < len(text):
            most = self._limits.max_characters
            self._stop("ocr_too_long", f"read {most:,} characters of text in it; there are more")
        if kept:
            self._texts.setdefault(kept, seconds)


def _fitted(piece: Image.Image) -> Pixels:
    """Its pixels, scaled down where it is larger than lines are cut out of."""
    scale = min(1.0, _READ_SIDE / max(piece.size))
    size = (max(1, round(piece.width * scale)), max(1, round(piece.height * scale)))
    if size != piece.size:
        piece = piece.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(piece)


def _batches(
    engine: Engine, pixels: Pixels, quads: Quads
) -> Iterator[tuple[list[int], list[Pixels]]]:
    """Lines of similar length together, so that little of a batch is padding."""
    cut = [(place, engine.crop(pixels, quad)) for place, quad in enumerate(quads)]
    crops = sorted(
        ((_width(crop), place, crop) for place, crop in cut if crop is not None),
        key=lambda each: each[:2],
    )
    batch: list[tuple[int, Pixels]] = []
    for width, place, crop in crops:
        if batch and (len(batch) == _AT_ONCE or (len(batch) + 1) * width > _WIDTHS):
            yield [place for place, _ in batch], [crop for _, crop in batch]
            batch = []
        batch.append((place, crop))
    if batch:
        yield [place for place, _ in batch], [crop for _, crop in batch]


def _width(crop: Pixels) -> float:
    """In heights."""
    return float(crop.shape[1] / crop.shape[0])
