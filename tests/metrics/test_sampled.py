from collections.abc import Sequence

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from moderator.metrics.sampled import Sampled
from moderator.pipeline import Screener
from moderator.reading import LoadedPost
from tests.builders import a_post, a_rule, a_screener, compiled


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def watched(screener: Screener, cap: int = 10) -> tuple[Sampled, Clock]:
    clock = Clock()
    background = {n: s.calibration[n].background for n, s in screener.embedder.channels.items()}
    sampled = Sampled(background, cap=cap, clock=clock)
    screener.observer = lambda rules, readings, scores, _: sampled.observe(rules, readings, scores)
    return sampled, clock


def screen_all(screener: Screener, posts: Sequence[LoadedPost], clock: Clock) -> None:
    """In batches far enough from each other that each is looked at."""
    for start in range(0, len(posts), 32):
        clock.now += 1
        screener.screen(posts[start : start + 32])


def samples(sampled: Sampled) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(sampled)
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_every_rule_has_the_scores_of_all_posts_also_those_that_did_not_fire() -> None:
    screener = a_screener(compiled(a_rule(), a_rule("water", violates=["blue water"])))
    sampled, _ = watched(screener)
    full = a_screener(screener.rules, detail="full")
    posts = [a_post("1", "red fire"), a_post("2", "tomatoes"), a_post("3", "blue water")]
    screener.screen(posts)
    page = samples(sampled)
    assert page['moderator_rule_score_count{rule="test/fire"}'] == 3
    expected = sum(r.score for v in full.screen(posts) for r in v.rules if r.id == "test/fire")
    assert page['moderator_rule_score_sum{rule="test/fire"}'] == pytest.approx(expected, abs=1e-4)
    hot = page['moderator_rule_score_bucket{le="0.5",rule="test/fire"}']
    assert hot == 2


def test_only_a_few_batches_a_second_are_looked_at() -> None:
    screener = a_screener()
    sampled, clock = watched(screener)
    for _ in range(10):
        screener.screen([a_post("1", "red fire")])
    assert samples(sampled)['moderator_rule_score_count{rule="test/fire"}'] == 1
    clock.now = 1.0
    screener.screen([a_post("1", "red fire")])
    assert samples(sampled)['moderator_rule_score_count{rule="test/fire"}'] == 2


def test_rules_past_the_cap_share_a_histogram() -> None:
    screener = a_screener(compiled(*(a_rule(f"rule-{n}") for n in range(30))))
    sampled, _ = watched(screener, cap=3)
    screener.screen([a_post("1", "red fire")])
    counts = {k: v for k, v in samples(sampled).items() if "_count" in k}
    assert len(counts) == 4
    assert counts['moderator_rule_score_count{rule="other"}'] == 27


def test_drift_shows_once_enough_was_seen_and_the_rules_may_be_replaced() -> None:
    screener = a_screener()
    sampled, clock = watched(screener)
    words = np.random.default_rng(0).integers(0, 10_000, (500, 3))
    posts = [a_post(str(n), " ".join(f"w{w}" for w in row)) for n, row in enumerate(words)]
    screen_all(screener, posts, clock)
    page = samples(sampled)
    assert page['moderator_embedding_drift_psi{channel="text"}'] < 1
    assert 'moderator_embedding_drift_psi{channel="image"}' not in page
    assert 'moderator_score_drift_psi{channel="text",rule="test/fire"}' in page
    screener.rules = compiled(a_rule("other-rule"))
    screen_all(screener, [a_post(str(n), "red fire") for n in range(5000)], clock)
    page = samples(sampled)
    assert page['moderator_embedding_drift_psi{channel="text"}'] > 1
    assert page['moderator_score_drift_psi{channel="text",rule="test/other-rule"}'] > 1
    assert 'moderator_score_drift_psi{channel="text",rule="test/fire"}' not in page


def test_a_post_of_which_nothing_was_read_has_no_score() -> None:
    screener = a_screener()
    sampled, _ = watched(screener)
    screener.screen([a_post("1")])
    assert samples(sampled)['moderator_rule_score_count{rule="test/fire"}'] == 0
