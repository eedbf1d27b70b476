"""What the pipeline knows of reading pictures: an image in, the text in it out, within limits."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol, get_args

from PIL import Image

#: The channel of texts in pictures.
CHANNEL: Final = "ocr"


class Writing(NamedTuple):
    """What is written in one view of a medium, line by line."""

    text: str
    seconds: float | None = None  # of an animation or a video: where in it


#: Codes become labels of metrics, so nobody else may make some up.
UnreadCode = Literal["ocr_failed", "ocr_too_slow", "ocr_too_long"]


Outcome = Literal["read", "blank", "spared", "cut", "failed"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


class Unread(NamedTuple):
    """Why what is written in a medium was not read, or not all of it."""

    code: UnreadCode
    reason: str  # without what is written
    failed: bool = False  # nothing can be said of it; else its beginning was read


class Written(NamedTuple):
    """What was found written in a medium."""

    writings: tuple[Writing, ...] = ()  # of its views, each text once
    unread: Unread | None = None
    spared: bool = False  # at a glance there was no text in any view
    took_seconds: float = 0.0  # of a core

    @property
    def outcome(self) -> Outcome:
        """How reading went, in a word for metrics."""
        if self.unread is not None:
            return "failed" if self.unread.failed else "cut"
        if self.writings:
            return "read"
        return "spared" if self.spared else "blank"


@dataclass(frozen=True, slots=True)
class OcrLimits:
    """What reading one medium may cost. What lies beyond is not read, and reported."""

    seconds: float = 5.0  # of a core, for all its views; the step under way is finished first
    max_lines: int = 200
    max_characters: int = 20_000


class Reading(Protocol):
    """The reading of one medium, view by view."""

    def look(self, image: Image.Image, seconds: float | None = None) -> None:
        """Read one view, RGB. Never raises for what is in it, also not for a failure."""
        ...

    def written(self) -> Written:
        """What was read so far."""
        ...


class TextReader(Protocol):
    """Reads pictures. It can be pickled, for decoder processes; threads may share one."""

    @property
    def name(self) -> str:
        """The engine and its version, for receipts."""
        ...

    @property
    def scope(self) -> str:
        """All that decides, beside the picture, what is read: for keys of caches."""
        ...

    @property
    def side(self) -> int:
        """The shorter side in pixels it reads pictures at; decoding smaller would lose letters."""
        ...

    def warm_up(self) -> None:
        """Load what is needed and use it once. Raises ModelError."""
        ...

    def begin(self) -> Reading:
        """Begin with a medium; its time starts now."""
        ...
