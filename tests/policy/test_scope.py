"""Which rules judge a post."""

from typing import Any

import pytest

from moderator.posts import Author, Media, Post
from moderator.reading import LoadedPost
from tests.builders import (
    a_policy,
    a_post,
    a_rule,
    a_screener,
    a_set,
    compiled,
    crossed,
    picture,
    screen_one,
)


def judged(post_keys: dict[str, Any], *images: bytes, text: str | None = "red fire") -> set[str]:
    """The rules that judge a post with these keys."""
    rules = [
        a_rule("any"),
        a_rule("feed", applies_to={"surfaces": ["feed"]}),
        a_rule("english", applies_to={"languages": ["en"]}),
        a_rule("german", applies_to={"languages": ["de-at"]}),
        a_rule("new", applies_to={"author_tiers": ["new"]}),
        a_rule("trusted", applies_to={"author_tiers": ["trusted", "staff"]}),
        a_rule("pictures", applies_to={"modalities": ["image"]}),
        a_rule("not-in-help", **{"except": {"surfaces": ["help"]}}),
    ]
    screener = a_screener(compiled(*rules), detail="full")
    return set(crossed(screen_one(a_post("1", text, *images, **post_keys), screener)))


ALWAYS = {"any", "not-in-help"}
SAYS_NOTHING = ALWAYS | {"feed", "english", "german", "new", "trusted"}


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        ({}, set()),
        ({"surface": "feed"}, set()),
        ({"surface": "help"}, {"feed", "not-in-help"}),
        ({"surface": "misspelt"}, set()),
        ({"lang": "en"}, {"german"}),
        ({"lang": "EN-gb"}, {"german"}),
        ({"lang": "de"}, {"english"}),
        ({"lang": "fr"}, {"english", "german"}),
        ({"lang": "und"}, set()),
        ({"author": "somebody"}, set()),
        ({"author": Author(id="somebody", tier="new")}, {"trusted"}),
        ({"author": Author(tier="staff")}, {"new"}),
        ({"author": Author(tier="unheard-of")}, set()),
        ({"lang": "fr", "author": Author(tier="new")}, {"english", "german", "trusted"}),
    ],
)
def test_what_a_post_says_of_itself_chooses_its_rules(
    keys: dict[str, Any], missing: set[str]
) -> None:
    assert judged(keys) == SAYS_NOTHING - missing


def test_a_rule_for_pictures_judges_posts_that_hold_one() -> None:
    assert "pictures" in judged({}, picture("red"))
    assert "pictures" in judged({}, picture("red"), text=None)
    assert "pictures" not in judged({})


@pytest.mark.parametrize("said", ["image", "image/png", "video/x", "VIDEO/mp4"])
def test_a_rule_for_pictures_judges_what_is_read_as_one_whatever_it_is_said_to_be(
    said: str,
) -> None:
    red = picture("red")
    rule = a_rule(violates=["red"], applies_to={"modalities": ["image"]})
    post = LoadedPost(Post(id="1", media=(Media(type=said, data=red),)), (red,))
    assert screen_one(post, a_screener(compiled(rule))).action == "block"


def test_a_rules_surfaces_narrow_those_of_its_policy() -> None:
    policy = a_policy(
        a_rule("both"), a_rule("one", applies_to={"surfaces": ["chat"]}), surfaces=["feed", "chat"]
    )
    other = a_policy(a_rule("elsewhere"), policy="other", surfaces=["shop"])
    screener = a_screener(compiled(policies=a_set(policy, other)), detail="full")
    seen = {
        surface: set(crossed(screen_one(a_post("1", "red", surface=surface), screener)))
        for surface in ("feed", "chat", "shop")
    }
    assert seen == {"feed": {"both"}, "chat": {"both", "one"}, "shop": {"elsewhere"}}


def test_strangers_words_fill_no_memory() -> None:
    rules = compiled(a_rule(applies_to={"languages": ["en"], "modalities": ["image"]}))
    for n in range(1000):
        rules.applies(f"surface-{n}", f"x{n}", f"tier-{n}", {"text", f"kind-{n}"})
    assert len(rules.scope._known) <= 4
