"""What the console keeps of posts and verdicts."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from moderator.posts import Author, Post
from moderator.verdicts import Receipt, RuleScore, Verdict, is_about, receipt_of

_TEXT_CHARACTERS: Final = 20_000  # as many as the worker reads by default
_SNIPPET_CHARACTERS: Final = 160
_CHARACTERS: Final = 256  # of what is short where nobody means harm
_MOST_MEDIA: Final = 20
_MOST_RULES: Final = 100  # of a verdict
_URL_CHARACTERS: Final = 2_000


class KeptMedia(msgspec.Struct, frozen=True, omit_defaults=True):
    """An attachment: where it is, not its bytes; those stay in Kafka, as do very long addresses."""

    type: str
    id: str | None = None
    url: str | None = None  # None: Kafka has it


class KeptPost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A post as far as it is shown, and where in Kafka all of it is."""

    key: str
    id: str
    digest: str = ""  # of all of it, 64 hex digits; another post may have the same id
    at: int  # ms since 1970, when Kafka got it
    partition: int
    offset: int
    text: str | None = None
    characters: int = 0  # of the whole text
    media: tuple[KeptMedia, ...] = ()
    more_media: int = 0  # beyond those
    author: str | None = None
    tier: str | None = None
    surface: str | None = None
    lang: str | None = None

    def is_of(self, verdict: Verdict) -> bool:
        """Whether a verdict is on this post, not on another that has the same id."""
        return is_about(verdict, bytes.fromhex(self.digest))


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
    digest: str | None = None  # of the post; None: it had not come yet, or another had its id
    receipt: Receipt | None = None  # then; it tells whether a post that comes later is the one
    at: int  # ms since 1970, when Kafka got it
    action: str
    severity: str | None = None
    surface: str | None = None
    hits: tuple[Hit, ...] = ()
    text: str = ""  # its beginning
    media: int = 0
    ms: float = 0.0  # the worker's own time
    unread: int = 0  # parts of the post

    def is_of(self, post: KeptPost) -> bool:
        """Whether the verdict is on this post, not on another that has the same id."""
        if self.receipt is None:
            return self.digest == post.digest
        return self.receipt.gave(self.id, bytes.fromhex(post.digest))


def post_key(post_id: str) -> str:
    """32 hex digits for an id, which may be any 512 characters."""
    return hashlib.blake2b(post_id.encode(), digest_size=16).hexdigest()


def keep(post: Post, partition: int, offset: int, at: int) -> KeptPost:
    """What is kept of a post; bounded, whatever it holds."""
    author = post.author.id if isinstance(post.author, Author) else post.author
    media = (
        KeptMedia(_short(each.type), each.id and _short(each.id), _whole_url(each.url))
        for each in post.media[:_MOST_MEDIA]
    )
    return KeptPost(
        key=post_key(post.id),
        id=post.id,
        digest=post.digest.hex(),
        at=at,
        partition=partition,
        offset=offset,
        text=post.text[:_TEXT_CHARACTERS] if post.text is not None else None,
        characters=len(post.text or ""),
        media=tuple(media),
        more_media=max(0, len(post.media) - _MOST_MEDIA),
        author=author and _short(author),
        tier=post.tier and _short(post.tier),
        surface=post.surface and _short(post.surface),
        lang=post.lang and _short(post.lang),
    )


def keep_verdict(verdict: Verdict) -> Verdict:
    """What is kept of a verdict that waits for a person: no `meta`, and the rest is bounded."""
    reports = (each for each in verdict.modalities if each.status != "read")
    return msgspec.structs.replace(
        verdict,
        rules=_strongest(verdict.rules),
        modalities=tuple(
            msgspec.structs.replace(
                each,
                media=each.media and _short(each.media),
                reason=each.reason and _short(each.reason),
            )
            for each, _ in zip(reports, range(_MOST_MEDIA), strict=False)
        ),
        surface=verdict.surface and _short(verdict.surface),
        meta=None,
    )


def by_key(posts: Iterable[KeptPost]) -> dict[str, list[KeptPost]]:
    """Posts by key: several may have the same id."""
    found: dict[str, list[KeptPost]] = {}
    for post in posts:
        found.setdefault(post.key, []).append(post)
    return found


def post_of(verdict: Verdict, posts: Mapping[str, Sequence[KeptPost]]) -> KeptPost | None:
    """The post that a verdict is on, if it is among these, which are by key."""
    same_id = posts.get(post_key(verdict.post_id), ())
    return next((post for post in same_id if post.is_of(verdict)), None)


def entry(verdict: Verdict, at: int, post: KeptPost | None) -> Entry:
    """A line of the live page; `post`: the one that the verdict is on."""
    return Entry(
        id=verdict.id,
        post=post_key(verdict.post_id),
        post_id=verdict.post_id,
        digest=post.digest if post else None,
        receipt=receipt_of(verdict) if post is None else None,
        at=at,
        action=verdict.action,
        severity=verdict.severity,
        surface=verdict.surface and _short(verdict.surface),
        hits=tuple(
            Hit(rule.id, round(rule.score, 4), rule.action, rule.mode, not rule.shadow)
            for rule in _strongest(verdict.rules)
        ),
        text=(post.text or "")[:_SNIPPET_CHARACTERS] if post else "",
        media=len(post.media) + post.more_media if post else 0,
        ms=verdict.timing_ms.get("total", 0.0),
        unread=sum(report.status != "read" for report in verdict.modalities),
    )


def _short(text: str) -> str:
    return text[:_CHARACTERS]


def _whole_url(url: str | None) -> str | None:
    """Not a part of an address, which may be the address of something else."""
    return url if url is not None and len(url) <= _URL_CHARACTERS else None


def _strongest(rules: tuple[RuleScore, ...]) -> tuple[RuleScore, ...]:
    """As they stand; where there are very many, those that act first, by their scores."""
    if len(rules) <= _MOST_RULES:
        return rules
    return tuple(sorted(rules, key=lambda each: (each.shadow, -each.score))[:_MOST_RULES])
