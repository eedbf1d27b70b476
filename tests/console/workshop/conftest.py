"""Drafts and recent posts over the fake space."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from moderator.authoring.workbench import Workbench
from moderator.console.records import KeptPost, keep
from moderator.console.workshop.recent import RecentPosts
from moderator.console.workshop.trial import Drafts
from moderator.encoders.base import Space
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from tests.authoring.conftest import a_workbench
from tests.builders import a_policy, a_rule, a_set, picture

POSTS = [
    Post(id="fire", text="red fire"),
    Post(id="fire-2", text="red fire in the house"),
    Post(id="sea", text="blue sea"),
    Post(id="meadow", text="green meadow"),
    Post(id="red-picture", media=(Media(data=picture("red")),)),
    Post(id="blue-picture", media=(Media(data=picture("blue")),)),
    Post(id="both", text="blue sky", media=(Media(data=picture("blue")),)),
]


def a_draft(*rules: Mapping[str, Any], **keys: Any) -> str:
    """A draft as somebody types it; JSON is YAML too."""
    return json.dumps(a_policy(*(rules or [a_rule()]), **keys), indent=1)


def kept(posts: Sequence[Post]) -> list[KeptPost]:
    """The posts as the console keeps them, one after the other in a topic."""
    return [keep(post, 0, place, 1_000 + place) for place, post in enumerate(posts)]


def take(recent: RecentPosts, posts: Sequence[Post]) -> None:
    """Embed posts, with the attachments that they carry."""
    loaded = [LoadedPost(post, tuple(media.data or b"" for media in post.media)) for post in posts]
    recent.embed(kept(posts), loaded)


@pytest.fixture
def bench(space: Space) -> Workbench:
    """Return a workbench of its own without models."""
    return a_workbench(space)


@pytest.fixture
def drafts(bench: Workbench) -> Drafts:
    """Return a place for drafts, with the policy `test` in force."""
    return Drafts(bench, a_set())


@pytest.fixture
def recent(bench: Workbench) -> RecentPosts:
    """Return recent posts, embedded."""
    found = RecentPosts(bench.embedder, 100)
    take(found, POSTS)
    return found
