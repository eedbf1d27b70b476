"""Small policies, posts and screeners over the fake space, made of real parts."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from moderator.cache.base import VectorCache
from moderator.cache.media import MediaCache
from moderator.cache.memory import MemoryCache
from moderator.embedder import Embedder
from moderator.encoders.base import ImageEncoder, Space
from moderator.encoders.fake import fake_space
from moderator.media.decode import DecodeLimits
from moderator.media.prepare import LocalDecoder, MediaDecoder, preparation_for
from moderator.pipeline import Detail, Screener
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.policy.policyset import PolicySet
from moderator.policy.schema import Policy
from moderator.posts import Media, Post
from moderator.reading import LoadedPost, ReadingLimits
from moderator.verdicts import Verdict

LIMITS = ReadingLimits(max_text_characters=20_000, max_pixels=100_000_000)


def a_rule(name: str = "fire", **keys: Any) -> dict[str, Any]:
    """A complete rule as a policy file holds it."""
    common = {"title": name, "severity": "high", "action": "block", "threshold": 0.8}
    return {"id": name, **common, "review_at": 0.5, "violates": ["red fire"], **keys}


def a_policy(*rules: Mapping[str, Any], **keys: Any) -> dict[str, Any]:
    """A policy as a file holds it, called `test` unless told otherwise."""
    return {"policy": "test", "version": 1, "rules": list(rules or [a_rule()]), **keys}


def a_set(*policies: Mapping[str, Any]) -> PolicySet:
    return PolicySet(tuple(Policy.model_validate(policy) for policy in policies or [a_policy()]))


def compiled(
    *rules: Mapping[str, Any],
    policies: PolicySet | None = None,
    space: Space | None = None,
    cache: VectorCache | None = None,
) -> CompiledRules:
    space = space or fake_space()
    return compile_rules(
        policies or a_set(a_policy(*rules)),
        dict.fromkeys(space.channels, space),
        MemoryCache(1000) if cache is None else cache,
    )


def a_screener(
    rules: CompiledRules | None = None,
    *,
    limits: ReadingLimits = LIMITS,
    detail: Detail = "crossed",
    space: Space | None = None,
    decoder: MediaDecoder | None = None,
    seen: MediaCache | None = None,
) -> Screener:
    space = space or fake_space()
    channels = dict.fromkeys(space.channels, space)
    rules = rules or compiled(space=space)
    return Screener(rules, Embedder(channels, limits, decoder=decoder, seen=seen), detail)


def a_decoder(encoder: ImageEncoder, **limits: Any) -> LocalDecoder:
    """A decoder in this process; `limits` are DecodeLimits."""
    return LocalDecoder(preparation_for(encoder, DecodeLimits(**limits)))


def picture(colour: str, *, kind: str = "PNG") -> bytes:
    """An image of one colour; the fake encoder puts it near the text that names the colour."""
    rgb = {"red": (220, 30, 30), "green": (30, 180, 30), "blue": (30, 30, 220)}[colour]
    file = io.BytesIO()
    Image.new("RGB", (16, 12), rgb).save(file, kind)
    return file.getvalue()


def a_post(name: str = "1", text: str | None = None, *images: bytes, **keys: Any) -> LoadedPost:
    """A post with its attachments in it, loaded."""
    media = tuple(Media(data=image) for image in images)
    return LoadedPost(Post(id=name, text=text, media=media, **keys), images)


def screen_one(post: LoadedPost, screener: Screener | None = None) -> Verdict:
    (verdict,) = (screener or a_screener()).screen([post])
    return verdict


def crossed(verdict: Verdict) -> list[str]:
    """The rules a verdict lists, without the policy's name."""
    return [rule.id.partition("/")[2] for rule in verdict.rules]


def actions(verdicts: Sequence[Verdict]) -> list[str]:
    return [verdict.action for verdict in verdicts]
