"""The space of the channel `ocr`: that of texts, for what an engine reads in pictures."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from moderator.encoders.base import Calibration, Space
from moderator.ocr.base import CHANNEL


def space_of_writing(texts: Space, reader: str) -> Space:
    """The space of texts with `reader`, the engine and its version, in front of it."""
    return replace(texts, image=None, calibration=_OfTexts(texts.calibration), reader=reader)


class _OfTexts(Mapping[str, Calibration]):
    """What is known of texts, for those in pictures too; looked up when it is asked for.

    A background sample may take the encoder seconds to make.
    """

    def __init__(self, known: Mapping[str, Calibration]) -> None:
        self._known = known

    def __getitem__(self, channel: str) -> Calibration:
        return self._known["text" if channel == CHANNEL else channel]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*self._known, CHANNEL))

    def __len__(self) -> int:
        return len(list(iter(self)))
