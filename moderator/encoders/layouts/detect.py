"""Which layout a folder has."""

from pathlib import Path
from typing import Final

from moderator.encoders.card import SpaceCard
from moderator.encoders.layouts import open_clip, sentence, transformers
from moderator.encoders.layouts.base import Published
from moderator.errors import ModelError

_SHOWN: Final = 12  # files of a folder that an error lists


def detect(folder: Path, card: SpaceCard, variant: str, *, gpu: bool) -> Published:
    """Understand a folder of encoders as published.

    Raises ModelError for a folder of no known layout, which says what was looked for and what is
    there, and for files of a known one that are missing or not understood.
    """
    for find in (open_clip.find, transformers.find, sentence.find):
        try:
            published = find(folder, card, variant, gpu=gpu)
        except (AttributeError, TypeError, ValueError) as error:  # JSON of other types than it has
            raise ModelError(f"{folder}: its configuration is not understood: {error!r}") from error
        if published is not None:
            return published
    needs = f"{transformers.NEEDS}, nor {open_clip.NEEDS}, nor {sentence.NEEDS}"
    raise ModelError(f"{folder}: no encoders in it: neither {needs}; it has {_content(folder)}")


def _content(folder: Path) -> str:
    names = sorted(
        path.relative_to(folder).as_posix() + ("/" if path.is_dir() else "")
        for pattern in ("*", "*/*")
        for path in folder.glob(pattern)
    )
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) + more) or "nothing"
