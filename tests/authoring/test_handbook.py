"""Policies as pages, for users and for moderators."""

from html.parser import HTMLParser

import pytest

from moderator.authoring.handbook import as_page
from moderator.policy.policyset import PolicySet
from tests.authoring.conftest import Load
from tests.builders import a_rule

SLURS = ["foobar", {"pattern": "qu+x", "name": "quux words", "score": 0.9}]


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> _Seen:
    seen = _Seen()
    seen.feed(page)
    return seen


def for_both(policies: PolicySet) -> tuple[str, str]:
    """What users and what moderators read."""
    return read(as_page(policies, "users")).text, read(as_page(policies, "moderators")).text


def test_users_read_what_is_wanted_and_not_how_to_slip_by(load: Load) -> None:
    examples = {"violates": ["secret test post"], "allows": []}
    policies = load(
        a_rule("fire", title="Fire <b>", examples=examples, threshold=0.765, allows=["tea & cake"]),
        a_rule("trial", title="A trial", mode="shadow"),
    )
    users, moderators = (read(as_page(policies, each)) for each in ("users", "moderators"))
    for seen in (users, moderators):
        assert "Fire <b>" in seen.text
        assert "tea & cake" in seen.text
        assert not {"b", "script", "img", "link"} & seen.tags
    assert "A trial" in moderators.text
    assert "0.765" in moderators.text
    assert "secret test post" in moderators.text
    assert not {"A trial", "0.765", "secret test post"} & set(users.text.splitlines())
    assert "secret test post" not in users.text
    assert "0.765" not in users.text


def test_moderators_read_the_keywords_of_a_rule_and_users_do_not(load: Load) -> None:
    slurs = a_rule("slurs", title="Slurs", violates=[], keywords=SLURS)
    users, moderators = for_both(load(slurs))
    for word in ("foobar", "qu+x", "quux words", "score 0.9"):
        assert word in moderators
        assert word not in users
    assert "What it looks for is not listed here." in users


def test_what_a_rule_is_made_of_is_said_in_titles(load: Load) -> None:
    parts = [a_rule(name, title=name.upper()) for name in "abcd"]
    when = {"all": ["a", {"any": ["b", "c"]}], "not": ["d"]}
    made = a_rule("made", violates=[], when=when)
    for seen in for_both(load(*parts, made)):
        assert "For posts that match “A” and (“B” or “C”) and not “D”." in seen


@pytest.mark.parametrize("part", [{"mode": "shadow"}, {"mode": {"canary": "5%"}}, {}])
def test_users_read_what_a_rule_is_made_of_where_they_may_know_all_its_parts(
    load: Load, part: dict[str, object]
) -> None:
    made = a_rule("made", violates=[], when={"any": ["trial", "fire"]})
    trial = a_rule("trial", title="A trial", **part)
    users, moderators = for_both(load(a_rule(), trial, made))
    assert "For posts that match “A trial” or “fire”." in moderators
    assert ("A trial" in users) == (part != {"mode": "shadow"})


def test_users_read_which_posts_are_excused_but_not_how_to_be_excused(load: Load) -> None:
    excepts = {"rules": ["news", "trial"], "keywords": ["airsoft"], "surfaces": ["museum"]}
    news = a_rule("news", title="News", action="allow", violates=["a report"])
    trial = a_rule("trial", title="A trial", mode="shadow")
    users, moderators = for_both(load(a_rule() | {"except": excepts}, news, trial))
    for excused in ("posts that match “News”", "posts on museum"):
        assert excused in users
        assert excused in moderators
    assert "posts that match “A trial” (not before that rule is in force)" in moderators
    assert "posts with “airsoft”" in moderators
    assert "A trial" not in users
    assert "airsoft" not in users


def test_what_a_rule_welcomes_is_not_called_unwanted(load: Load) -> None:
    only = a_rule() | {"except": {"rules": ["news"]}}
    news = a_rule("news", action="allow", violates=["a report"])
    policies = load(news, only)
    for seen in for_both(policies):
        assert "Posts like thesea report" in seen
        assert "Not wanteda report" not in seen
        assert "excused from the rules that name this one" in seen


def test_users_do_not_read_which_posts_a_rule_never_sees(load: Load) -> None:
    where = {"surfaces": ["feed"], "languages": ["en"], "author_tiers": ["new"]}
    rule = a_rule(applies_to={**where, "modalities": ["image", "ocr"]})
    users, moderators = for_both(load(rule))
    assert (
        "Only for posts on feed, in en, by authors of tier new, with an image or text in an image."
    ) in moderators
    assert "Only for posts on feed." in users
    assert "tier" not in users


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("enforce", "It is not published."),
        ({"canary": "5%"}, "On 5 % of posts, and only reported on the others: It is not published"),
        ("shadow", "Only reported, nothing happens to posts. Once it is in force: It is not"),
        ("off", "Does not run. Once it is in force: It is not published."),
    ],
)
def test_moderators_read_what_happens_in_the_mode_of_a_rule(
    load: Load, mode: object, said: str
) -> None:
    users, moderators = for_both(load(a_rule("other"), a_rule("tried", title="Tried", mode=mode)))
    assert said in moderators
    assert "5 %" not in users
    assert ("Tried" in users) == (mode not in ("off", "shadow"))


def test_targets_weights_and_what_is_read_are_said_in_words(load: Load) -> None:
    rule = a_rule(
        threshold={"precision": 0.95},
        review_at={"rate": "0.5%"},
        keywords=SLURS,
        fusion="weighted",
        weights={"text": 2, "keywords": 1},
    )
    made = a_rule("made", violates=[], when={"all": ["fire"]})
    _, moderators = for_both(load(rule, made))
    assert "thresholdwhere 95 % of posts from there on break the rule" in moderators
    assert "review fromwhere 0.5 % of ordinary posts lie above" in moderators
    assert "readstext, image, keywords" in moderators
    assert "fusionweighted (text 2, keywords 1)" in moderators
    assert moderators.count("fusion") == 1  # a rule made of others reads nothing itself


def test_actions_of_ones_own_are_said_by_name(load: Load) -> None:
    rules = load(a_rule(action="blur"), actions=["allow", "review", "blur", "block"])
    for seen in for_both(rules):
        assert "What happens: blur." in seen


def test_users_read_nothing_of_a_policy_that_is_all_on_trial(load: Load) -> None:
    users, moderators = for_both(load(a_rule(mode="shadow"), description="A new idea"))
    assert "A new idea" in moderators
    assert "A new idea" not in users
