"""What the console keeps of posts and verdicts."""

import hashlib
from typing import Final

import msgspec

from moderator.posts import Author, Post
from moderator.verdicts import Verdict

_TEXT_CHARACTERS: Final = 20_000  # as many as the worker reads by default
_SNIPPET_CHARACTERS: Final = 160
_MOST_MEDIA: Final = 20
_URL_CHARACTERS: Final = 2_000


class KeptMedia(msgspec.Struct, frozen=True, omit_defaults=True):
    """An attachment: where it is, not its bytes; those of inline ones stay in Kafka."""

    type: str
    id: str | None = None
    url: str | None = None  # None: the post carries it


class KeptPost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A post as far as it is shown, and where in Kafka all of it is."""

    key: str
    id: str
    at: int  # ms since 1970, when Kafka got it
    partition: int
    offset: int
    text: str | None = None
    characters: int = 0  # of the whole text
    media: tuple[KeptMedia, ...] = ()
    author: str | None = None
    tier: str | None = None
    surface: str | None = None
    lang: str | None = None


class Hit(msgspec.Struct, frozen=True, array_like=True):
    """One rule in one verdict."""

    rule: str  # policy/rule
    score: float
    action: str
    mode: str
    acts: bool  # neither a shadow nor held back


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A verdict as the live page lists it."""

    id: str
    post: str  # its key
    post_id: str
    at: int  # ms since 1970, when Kafka got it
    action: str
    severity: str | None = None
    surface: str | None = None
    hits: tuple[Hit, ...] = ()
    text: str = ""  # its beginning
    media: int = 0
    ms: float = 0.0  # the worker's own time
    unread: int = 0  # parts of the post


def post_key(post_id: str) -> str:
    """32 hex digits for an id, which may be any 512 characters."""
    return hashlib.blake2b(post_id.encode(), digest_size=16).hexdigest()


def keep(post: Post, partition: int, offset: int, at: int) -> KeptPost:
    """What is kept of a post; bounded, whatever it holds."""
    author = post.author.id if isinstance(post.author, Author) else post.author
    media = (
        KeptMedia(
            each.type,
            each.id,
            each.url[:_URL_CHARACTERS] if each.url is not None else None,
        )
        for each in post.media[:_MOST_MEDIA]
    )
    return KeptPost(
        key=post_key(post.id),
        id=post.id,
        at=at,
        partition=partition,
        offset=offset,
        text=post.text[:_TEXT_CHARACTERS] if post.text is not None else None,
        characters=len(post.text or ""),
        media=tuple(media),
        author=author,
        tier=post.tier,
        surface=post.surface,
        lang=post.lang,
    )


def entry(verdict: Verdict, at: int, post: KeptPost | None) -> Entry:
    """A line of the live page."""
    return Entry(
        id=verdict.id,
        post=post_key(verdict.post_id),
        post_id=verdict.post_id,
        at=at,
        action=verdict.action,
        severity=verdict.severity,
        surface=verdict.surface,
        hits=tuple(
            Hit(rule.id, round(rule.score, 4), rule.action, rule.mode, not rule.shadow)
            for rule in verdict.rules
        ),
        text=(post.text or "")[:_SNIPPET_CHARACTERS] if post else "",
        media=len(post.media) if post else 0,
        ms=verdict.timing_ms.get("total", 0.0),
        unread=sum(report.status != "read" for report in verdict.modalities),
    )
