"""A recent post as the map and the search show it."""

from collections.abc import Mapping

import msgspec

from moderator.console.records import KeptPost
from moderator.console.state import State

_CHARACTERS = 280


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A post in short."""

    key: str
    digest: str
    id: str
    at: int  # ms since 1970
    text: str
    media: int  # that can be shown
    action: str | None  # None: no verdict yet, or none any longer


def shown(kept: KeptPost, actions: Mapping[str, str]) -> Shown:
    """A post with the action of its latest verdict."""
    return Shown(
        key=kept.key,
        digest=kept.digest,
        id=kept.id,
        at=kept.at,
        text=(kept.text or "")[:_CHARACTERS],
        media=len(kept.media),
        action=actions.get(kept.digest),
    )


async def latest_actions(state: State, posts: int) -> dict[str, str]:
    """By digest, the action of each post's latest verdict. Raises TransientError."""
    _, entries = await state.recent_entries(2 * posts)  # some posts have several
    kept = await state.posts([entry.post for entry in entries if entry.digest is None])
    found = {}
    for entry in reversed(entries):
        late = kept.get(entry.post)
        if entry.digest is not None:
            found[entry.digest] = entry.action
        elif late is not None and entry.is_of(late):
            found[late.digest] = entry.action
    return found
