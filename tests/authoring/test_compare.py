"""Stores of embeddings, policies judged on them, and what a comparison says."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from moderator.authoring.archive import read_posts
from moderator.authoring.compare import Comparison, compare, wilson
from moderator.authoring.comparison_page import as_html
from moderator.authoring.comparison_text import as_json, as_text
from moderator.authoring.sides import Side, from_verdicts, judge_store
from moderator.authoring.store import Store
from moderator.authoring.workbench import Workbench
from moderator.embedder import Embedder
from moderator.encoders.fake import fake_space
from moderator.errors import StartupError
from moderator.ocr.base import Writing, Written
from moderator.ocr.space import space_of_writing
from moderator.policy.policyset import PolicySet
from moderator.posts import Media, Post
from moderator.reading import Quote
from moderator.settings import Settings
from moderator.verdicts import encode_verdict
from tests.authoring.conftest import Load, a_workbench
from tests.builders import LIMITS, a_rule, a_screener, picture
from tests.written import Says

WORDS = ["red fire", "hot red flames", "blue sea", "green meadow", "red", "house on fire", "fire"]
POSTS = [
    Post(
        id=str(number),
        text=f"{WORDS[number % 7]} w{number % 11}" if number % 5 else None,
        media=(Media(data=picture("red" if number % 3 else "blue")),) if number % 4 == 0 else (),
        surface="chat" if number % 6 == 0 else None,
    )
    for number in range(60)
]
EVIL = "<script>alert(1)</script> & \u001b[31m"
STORED = [*POSTS, Post(id="x", text=f"red fire {EVIL}")]


@pytest.fixture
def store(bench: Workbench) -> Store:
    embedded = bench.embed_all(STORED, lambda _: None)
    return Store.of(
        STORED,
        {name: (found.vectors, found.owners) for name, found in embedded.readings.items()},
        {name: space.digest for name, space in bench.channels.items()},
        embedded.unread,
    )


@pytest.fixture
def old(load: Load) -> PolicySet:
    return load(
        a_rule("fire", threshold=0.6, review_at=0.3),
        a_rule("shadowed", violates=["blue"], mode="shadow"),
        a_rule("meadow", violates=["green meadow"], action="review", fusion="noisy_or"),
    )


def judged(bench: Workbench, store: Store, old: PolicySet, new: PolicySet) -> tuple[Side, Side]:
    """Both sides of a comparison."""
    before, after = (judge_store(bench.compile(each), store, bench.limits) for each in (old, new))
    return before, after


@pytest.fixture
def found(old: PolicySet, load: Load, bench: Workbench, store: Store) -> Comparison:
    new = load(
        a_rule("fire", threshold=0.65, review_at=0.6),
        a_rule("sea", violates=["blue sea"], threshold=0.6, review_at=0.3),
        name="test",
    )
    return compare(*judged(bench, store, old, new), store)


def actions_of(policies: PolicySet, bench: Workbench, store: Store) -> tuple[list[str], list[str]]:
    """Of the first posts, judged from the store and screened."""
    rules = bench.compile(policies)
    side = judge_store(rules, store, bench.limits)
    verdicts = a_screener(rules, space=bench.channels["text"]).screen(bench.loader.load(POSTS, 0.0))
    stored = [side.order[action] for action in side.actions.tolist()]
    return stored[: len(POSTS)], [verdict.action for verdict in verdicts]


def test_a_store_gives_the_actions_that_screening_gives(
    load: Load, old: PolicySet, bench: Workbench, store: Store
) -> None:
    chat = load(a_rule("sea", violates=["blue sea"]), name="chat", surfaces=["chat"])
    stored, screened = actions_of(PolicySet((*old.policies, *chat.policies)), bench, store)
    assert stored == screened
    assert {"allow", "review", "block"} == set(stored)


LINES = {"threshold": 0.6, "review_at": 0.3}
IN_CHAT = {"applies_to": {"surfaces": ["chat"]}}
FIRE = a_rule("fire", **LINES)
SEA = a_rule("sea", violates=["blue sea"], action="review", **LINES)
HOT = a_rule("hot", violates=["hot red", "fire"], action="review", **LINES)
SHADOW = {"mode": "shadow"}
UNLESS_HOT = {**FIRE, "except": {"rules": ["hot"]}}
BOTH: dict[str, Any] = {**FIRE, "id": "both", "violates": []}


@pytest.mark.parametrize(
    "rules",
    [
        [UNLESS_HOT, HOT],
        [UNLESS_HOT, HOT | IN_CHAT],
        [UNLESS_HOT, HOT | {"mode": "shadow"}],
        [UNLESS_HOT, HOT | {"mode": {"canary": "50%"}}],
        [{**FIRE, "except": {"keywords": ["w3", "W7"]}}],
        [{**FIRE, "except": {"surfaces": ["chat"]}}],
        [FIRE | {"keywords": ["w5"]}],
        [a_rule("words", violates=[], keywords=["w5", {"pattern": "sea w\\d"}])],
        [FIRE | {"mode": {"canary": "30%"}}],
        [FIRE | {"applies_to": {"modalities": ["image"]}}],
        [FIRE | IN_CHAT, SEA],
        [HOT, SEA | IN_CHAT, BOTH | {"when": {"any": ["hot", "sea"]}}],
        [HOT, SEA, BOTH | {"when": {"any": ["hot", "sea"]}} | IN_CHAT],
        [HOT | IN_CHAT, FIRE, BOTH | {"when": {"all": ["fire"], "not": ["hot"]}}],
    ],
)
def test_a_store_knows_every_exception_keyword_and_scope(
    load: Load, bench: Workbench, store: Store, rules: list[dict[str, Any]]
) -> None:
    stored, screened = actions_of(load(*rules), bench, store)
    assert stored == screened
    assert len(set(stored)) > 1


def test_a_store_knows_the_keywords_in_pictures(load: Load, tmp_path: Path) -> None:
    space = fake_space()
    channels = {"text": space, "image": space, "ocr": space_of_writing(space, "reader")}
    spam = Says(Written((Writing("buy cheap pills"),)))
    bench = replace(a_workbench(space), embedder=Embedder(channels, LIMITS, decoder=spam))
    embedded = bench.embed_all(POSTS, lambda _: None)
    readings = {name: (found.vectors, found.owners) for name, found in embedded.readings.items()}
    digests = {name: space.digest for name, space in channels.items()}
    store = Store.of(POSTS, readings, digests, embedded.unread, embedded.quotes)
    store.save(tmp_path / "posts.npz")
    assert [quote.owner for quote in store.written(slice(4, 13))] == [0, 4, 8]

    rules = bench.compile(load(a_rule("words", violates=[], keywords=["pills"])))
    side = judge_store(rules, Store.load(tmp_path / "posts.npz"), bench.limits)
    blocked = [post.id for post, place in zip(POSTS, side.actions, strict=True) if place]
    assert blocked == [post.id for post in POSTS if post.media]


def test_a_store_is_searched_as_far_as_posts_are_read(load: Load, bench: Workbench) -> None:
    posts = [Post(id="1", text=f"{'green ' * 40}spam"), Post(id="2", text="spam green")]
    embedded = bench.embed_all(posts, lambda _: None)
    found = {name: (each.vectors, each.owners) for name, each in embedded.readings.items()}
    rules = bench.compile(load(a_rule("words", violates=[], keywords=["spam"])))
    limits = replace(bench.limits, max_text_characters=100)
    side = judge_store(rules, Store.of(posts, found, {}), limits)
    assert [side.order[action] for action in side.actions] == ["allow", "block"]


def test_a_store_comes_back_from_its_file_without_bytes_of_attachments(
    store: Store, bench: Workbench, tmp_path: Path
) -> None:
    store.save(tmp_path / "posts.npz")
    again = Store.load(tmp_path / "posts.npz")
    assert [post.text for post in again.posts] == [post.text for post in store.posts]
    kept = [item.modality for post in again.posts for item in post.media]
    assert kept == [item.modality for post in POSTS for item in post.media]
    assert not any(item.data or item.url for post in again.posts for item in post.media)
    for name in ("text", "image"):
        assert np.array_equal(again.vectors[name], store.vectors[name])
    again.check(bench.channels)


def test_a_post_that_could_not_be_read_stays_in_review(old: PolicySet, bench: Workbench) -> None:
    posts = [Post(id="1", text="green", media=(Media(data=b"no image"),))]
    embedded = bench.embed_all(posts, lambda _: None)
    readings = {name: (each.vectors, each.owners) for name, each in embedded.readings.items()}
    spaces = {name: space.digest for name, space in bench.channels.items()}
    side = judge_store(
        bench.compile(old), Store.of(posts, readings, spaces, embedded.unread), bench.limits
    )
    assert side.order[side.actions[0]] == "review"


def test_some_posts_of_a_store_are_judged_as_they_are_among_the_others(
    old: PolicySet, bench: Workbench, store: Store
) -> None:
    quotes = tuple(Quote(place, "0", f"said {place}") for place in (3, 8, 12))
    kept = np.arange(len(STORED)) % 4 == 0
    some = replace(store, quotes=quotes).only(kept)
    everything, ours = (judge_store(bench.compile(old), s, bench.limits) for s in (store, some))
    assert [post.id for post in some.posts] == [post.id for post in STORED[::4]]
    assert ours.actions.tolist() == everything.actions[kept].tolist()
    assert np.allclose(ours.scores, everything.scores[kept])
    assert [(quote.owner, quote.text) for quote in some.quotes] == [(2, "said 8"), (3, "said 12")]


def test_posts_that_could_not_be_read_in_full_are_told_everywhere(
    old: PolicySet, bench: Workbench, store: Store, found: Comparison
) -> None:
    unread = np.arange(len(STORED)) < 3
    side = judge_store(bench.compile(old), replace(store, unread=unread), bench.limits)
    told = compare(side, side, replace(store, unread=unread))
    assert json.loads(as_json(told))["unread"] == 3
    for text in (shown(told), as_html(told)):
        assert "3 not read in full, so in review at least" in text
    assert "not read in full" not in shown(found) + as_html(found)


def test_a_store_of_other_models_is_refused(store: Store) -> None:
    other = fake_space(images=False)
    with pytest.raises(StartupError, match="made with other models"):
        store.check({"text": other})


@pytest.mark.parametrize("content", [b"", b"PK", b"no store"])
def test_what_is_no_store_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(StartupError):
        Store.load(tmp_path / "x.npz")


def test_a_comparison_counts_what_moved_and_why(found: Comparison) -> None:
    assert sum(count for *_, count in found.moves) == found.changed.hits > 0
    rules = {rule.rule: rule for rule in found.rules}
    assert set(rules) == {"test/fire", "test/sea", "test/shadowed", "test/meadow"}
    assert rules["test/fire"].milder > 0
    assert rules["test/fire"].stricter == 0
    assert (rules["test/sea"].before.hits, rules["test/sea"].milder) == (0, 0)
    assert rules["test/sea"].stricter == rules["test/sea"].after.hits > 0
    assert rules["test/meadow"].after.hits == 0
    assert rules["test/shadowed"].actions == 0 or rules["test/shadowed"].milder > 0


def test_the_same_policy_on_both_sides_changes_nothing(
    old: PolicySet, bench: Workbench, store: Store
) -> None:
    side = judge_store(bench.compile(old), store, bench.limits)
    same = compare(side, side, store)
    assert (same.changed.hits, same.moves) == (0, ())
    assert all(rule.stricter == rule.milder == 0 for rule in same.rules)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"mode": "shadow"}, {}),
        ({"mode": "shadow"}, {"mode": {"canary": "50%"}}),
        ({"mode": {"canary": "10%"}}, {"mode": {"canary": "60%"}}),
        ({"action": "review"}, {"action": "block"}),
        ({"action": "limit"}, {"action": "block"}),
        ({"except": {"surfaces": ["chat"]}}, {}),
        ({"except": {"keywords": ["w3"]}}, {}),
        ({"threshold": 0.9}, {"threshold": 0.6}),
    ],
)
def test_a_change_of_actions_is_put_down_to_its_rule_both_ways(
    load: Load, bench: Workbench, store: Store, before: dict[str, Any], after: dict[str, Any]
) -> None:
    actions = ["allow", "limit", "review", "block"]
    policies = [load(FIRE | change, actions=actions) for change in (before, after)]
    old, new = judged(bench, store, *policies)
    there, back = compare(old, new, store), compare(new, old, store)
    (stricter,), (milder,) = there.rules, back.rules
    assert there.changed.hits > 0
    assert (stricter.stricter, stricter.milder) == (there.changed.hits, 0)
    assert (milder.milder, milder.actions) == (back.changed.hits, back.changed.hits)
    assert stricter.gained
    assert stricter.gained[0].before != stricter.gained[0].after


def test_a_rule_that_reports_only_still_goes_further_when_it_reaches_more(
    load: Load, bench: Workbench, store: Store
) -> None:
    few = load(FIRE | {"mode": "shadow", "threshold": 0.9, "review_at": 0.8})
    more = load(FIRE | {"mode": "shadow"})
    found = compare(*judged(bench, store, few, more), store)
    assert (found.changed.hits, found.rules[0].actions) == (0, 0)
    assert found.rules[0].stricter > 0


def test_actions_that_one_side_lacks_keep_their_place_among_the_others(
    load: Load, bench: Workbench, store: Store
) -> None:
    limits = load(FIRE | {"action": "limit"}, actions=["allow", "limit", "review", "block"])
    old, new = judged(bench, store, limits, load(FIRE))
    (blocks,), (limits_again,) = (
        compare(*sides, store).rules for sides in ((old, new), (new, old))
    )
    assert (blocks.stricter > 0, blocks.milder) == (True, 0)
    assert (limits_again.stricter, limits_again.milder > 0) == (0, True)


def test_published_verdicts_are_a_side_too(old: PolicySet, bench: Workbench, store: Store) -> None:
    rules = bench.compile(old)
    screener = a_screener(rules, space=bench.channels["text"])
    verdicts = screener.screen(bench.loader.load(POSTS, 0.0))
    side = judge_store(rules, store, bench.limits)
    published = from_verdicts(verdicts, rules.actions)
    assert [published.order[a] for a in published.actions] == [v.action for v in verdicts]
    column = published.rules.index("test/fire")
    there = side.rules.index("test/fire")
    assert published.levels[:, column].tolist() == side.levels[:60, there].tolist()
    assert published.asked[:, column].tolist() == side.asked[:60, there].tolist()


@pytest.mark.parametrize(
    "rules", [[{**FIRE, "except": {"keywords": ["w3"]}}], [UNLESS_HOT, HOT], [FIRE, HOT | SHADOW]]
)
def test_verdicts_against_the_policy_that_gave_them_show_no_change(
    load: Load, bench: Workbench, store: Store, rules: list[dict[str, Any]]
) -> None:
    compiled = bench.compile(load(*rules))
    screener = a_screener(compiled, space=bench.channels["text"])
    verdicts = screener.screen(bench.loader.load(STORED, 0.0))
    published = from_verdicts(verdicts, compiled.actions)
    found = compare(published, judge_store(compiled, store, bench.limits), store)
    assert any(rule.after.hits for rule in found.rules)
    assert all(rule.stricter == rule.milder == 0 for rule in found.rules)


def test_rules_without_a_change_are_counted(
    old: PolicySet, bench: Workbench, store: Store, found: Comparison
) -> None:
    side = judge_store(bench.compile(old), store, bench.limits)
    assert "3 rules without a change" in shown(compare(side, side, store))
    assert "every rule changed" in shown(found)


def test_wilsons_interval_agrees_with_published_values() -> None:
    """Newcombe 1998, table I: 81 of 263, and 0 of 20."""
    assert [round(x, 4) for x in wilson(81, 263)[2:]] == [0.2553, 0.3662]
    assert [round(x, 4) for x in wilson(0, 20)[2:]] == [0.0, 0.1611]
    assert wilson(0, 0)[2:] == (0.0, 1.0)


def shown(found: Comparison) -> str:
    console = Console(width=160, record=True, file=StringIO())
    console.print(as_text(found))
    return console.export_text()


def test_json_holds_rates_with_their_intervals(found: Comparison) -> None:
    document = json.loads(as_json(found))
    assert document["posts"] == 61
    assert document["changed"]["low"] <= document["changed"]["rate"] <= document["changed"]["high"]
    assert {rule["rule"] for rule in document["rules"]} >= {"test/fire", "test/sea"}


def test_text_steers_no_terminal(found: Comparison) -> None:
    text = shown(found)
    assert "test/fire, now milder:" in text
    assert "on 61 posts" in text
    assert "\u001b" not in text


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def test_the_page_runs_nothing_loads_nothing_and_escapes_everything(found: Comparison) -> None:
    text = as_html(found)
    tags = _Tags()
    tags.feed(text)
    assert not {"script", "img", "link", "iframe"} & set(tags.seen)
    assert "svg" in tags.seen
    assert not re.search(r"(src|href|url)\s*[=(]", text)
    samples = [s.text for rule in found.rules for s in (*rule.gained, *rule.lost)]
    if any("<script>" in sample for sample in samples):
        assert "&lt;script&gt;" in text


def test_posts_are_read_from_parquet_with_the_verdicts_they_had(
    tmp_path: Path, old: PolicySet, bench: Workbench
) -> None:
    screener = a_screener(bench.compile(old), space=bench.channels["text"])
    verdicts = screener.screen(bench.loader.load(POSTS[1:3], 0.0))
    rows = [
        {"id": post.id, "text": post.text, "surface": None, "verdict": encode_verdict(verdict)}
        for post, verdict in zip(POSTS[1:3], verdicts, strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    kept = read_posts(tmp_path / "rows.parquet", Settings())
    assert [each.post.id for each in kept] == ["1", "2"]
    assert [each.verdict.action for each in kept if each.verdict] == [v.action for v in verdicts]
    values = [{"value": msgspec.json.encode(post)} for post in POSTS[:3]]
    pq.write_table(pa.Table.from_pylist(values), tmp_path / "values.parquet")
    assert read_posts(tmp_path / "values.parquet", Settings())[0].post == POSTS[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("posts.jsonl", b"{}", ":1: not a post"),
        ("posts.jsonl", b"\n", "no posts in it"),
        ("posts.parquet", b"no parquet", "cannot be read"),
    ],
)
def test_a_bad_file_of_posts_is_a_clear_error(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StartupError, match=said):
        read_posts(tmp_path / name, Settings())
