"""Untrusted bytes to what an image encoder takes: the whole of it, in this process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from PIL import Image

from moderator.encoders.base import ImageEncoder, Pixels
from moderator.media.decode import DecodeLimits
from moderator.media.formats import is_video
from moderator.media.tiles import tiles
from moderator.media.views import View, views
from moderator.ocr.base import TextReader, Written


class Look(NamedTuple):
    """One view of a medium, scaled and cropped for the encoder."""

    pixels: Pixels
    seconds: float | None = None  # of an animation or a video: where in it


@dataclass(frozen=True)
class Prepared:
    """All that is seen of a medium."""

    looks: list[Look]
    decoded_pixels: int  # of all views, before they were scaled
    truncated: bool = False  # its file ends early, and this is what there is
    written: Written | None = None  # in it; None where nobody reads


class MediaDecoder(Protocol):
    """Decodes what strangers sent."""

    def prepare(self, content: bytes) -> Prepared:
        """Raises MediaError, whatever the bytes are."""
        ...

    def close(self) -> None:
        """Let go of processes, if there are any."""
        ...


@dataclass(frozen=True)
class Preparation:
    """What is done to the bytes of a medium. It can be pickled, for decoder processes."""

    limits: DecodeLimits
    target_pixels: int  # the shortest side that `crop` needs
    crop: Callable[[Image.Image], Pixels]
    reader: TextReader | None = None  # of what is written in it

    def warm_up(self) -> None:
        """Load what is slow to load. Raises ModelError."""
        if self.reader is not None:
            self.reader.warm_up()

    def __call__(self, content: bytes) -> Prepared:
        """Raises MediaError; anything else is a bug."""
        looks: list[Look] = []
        pixels, truncated = 0, False
        reading = None if self.reader is None else self.reader.begin()
        for view in self._views(content):
            pixels += view.image.width * view.image.height
            truncated |= view.truncated
            looks += [Look(self.crop(tile), view.seconds) for tile in tiles(view.image)]
            if reading is not None:
                reading.look(view.image, view.seconds)
        return Prepared(looks, pixels, truncated, None if reading is None else reading.written())

    def _views(self, content: bytes) -> Iterator[View]:
        if is_video(content):
            from moderator.media.video import video_views  # noqa: PLC0415 - needs PyAV, an extra

            return video_views(content, self.limits)
        return views(content, self.limits, self.target_pixels)


class LocalDecoder:
    """A `MediaDecoder` in the caller's thread: nothing to start, nothing to stop a crash."""

    def __init__(self, preparation: Preparation) -> None:
        self._preparation = preparation

    def start(self) -> None:
        """Load what is slow to load now. Raises ModelError."""
        self._preparation.warm_up()

    def prepare(self, content: bytes) -> Prepared:
        """See `MediaDecoder`."""
        return self._preparation(content)

    def close(self) -> None:
        """See `MediaDecoder`."""


def preparation_for(
    encoder: ImageEncoder, limits: DecodeLimits, reader: TextReader | None = None
) -> Preparation:
    """What `encoder` needs of a medium, and `reader` where what is written in it is read."""
    side = encoder.side if reader is None else max(encoder.side, reader.side)
    return Preparation(limits, side, encoder.prepare, reader)
