"""When a rule is held back, and when it acts again."""

from typing import Any

import pytest

from moderator.policy.conditions import Breaker
from moderator.stream.breaker import Breakers, Trip
from moderator.verdicts import ModelRef, PolicyRef, RuleScore, Verdict

RULE = "p/r"


def verdicts(count: int, *, hits: int, **keys: Any) -> list[Verdict]:
    """So many posts; the rule acts on the first `hits` of them."""
    score = {"score": 0.9, "threshold": 0.8, "review_at": 0.5, "channels": {}, "shadow": False}
    acts = RuleScore(id=RULE, severity="low", **{**score, "action": "block", **keys})
    return [
        Verdict(
            id=str(n),
            post_id=str(n),
            action="block" if n < hits else "allow",
            rules=(acts,) if n < hits else (),
            policy=PolicyRef("p", "1", "d"),
            models={"text": ModelRef("m", "d")},
        )
        for n in range(count)
    ]


class Watched:
    """Breakers of one rule, fed batch by batch."""

    def __init__(self, **keys: Any) -> None:
        wanted = {"over": 1000, "at_least": 20, "times": 5, **keys}
        self.breaker = Breaker.model_validate(wanted)
        self.breakers = Breakers()
        self.now = 0.0

    def see(self, posts: int, *, per_hundred: int, **keys: Any) -> list[Trip]:
        """Feed posts in batches of 100; all that follows."""
        found: list[Trip] = []
        for _ in range(posts // 100):
            self.now += 1
            batch = verdicts(100, hits=per_hundred, **keys)
            found += self.breakers.observe(batch, {RULE: self.breaker}, self.now)
        return found


def test_a_rule_that_fires_as_usual_goes_on() -> None:
    watched = Watched()
    assert watched.see(20_000, per_hundred=3) == []


def test_a_rule_that_fires_far_more_often_is_held_back() -> None:
    watched = Watched(then="review")
    watched.see(5_000, per_hundred=2)
    (trip,) = watched.see(1_000, per_hundred=30)
    assert (trip.rule, trip.then) == (RULE, "review")
    assert "more than 5 times its usual 2.00%" in trip.reason
    assert watched.breakers.held == {RULE}


def test_a_rise_within_the_band_is_borne() -> None:
    watched = Watched()
    watched.see(5_000, per_hundred=2)
    assert watched.see(5_000, per_hundred=9) == []


def test_a_few_hits_of_a_rule_that_never_fires_are_borne() -> None:
    watched = Watched(at_least=50)
    watched.see(5_000, per_hundred=0)
    assert watched.see(500, per_hundred=3) == []
    assert watched.see(3_000, per_hundred=6) != []


def test_what_is_usual_is_not_known_at_the_start() -> None:
    assert Watched().see(1_500, per_hundred=60) == []


def test_a_cap_holds_from_the_start() -> None:
    (trip,) = Watched(most="20%").see(1_000, per_hundred=60)
    assert "more than the 20.00% it may" in trip.reason


def test_it_acts_again_after_its_time_and_is_held_back_again_if_nothing_changed() -> None:
    watched = Watched(cool_down="30s")
    watched.see(5_000, per_hundred=2)
    assert len(watched.see(1_000, per_hundred=40)) == 1
    later = watched.see(6_000, per_hundred=40)
    assert [trip.then for trip in later] == [None, "review", None, "review"][: len(later)]
    assert len(later) >= 2


@pytest.mark.parametrize("keys", [{"shadow": True}, {"action": "allow", "excused": "keyword x"}])
def test_a_rule_that_does_not_act_is_not_counted(keys: dict[str, Any]) -> None:
    watched = Watched()
    watched.see(5_000, per_hundred=1)
    assert watched.see(2_000, per_hundred=50, **keys) == []


def test_a_reload_lets_it_act_and_remembers_what_is_usual() -> None:
    watched = Watched()
    watched.see(5_000, per_hundred=2)
    watched.see(1_000, per_hundred=40)
    watched.breakers.forget_trips([RULE])
    assert watched.breakers.held == frozenset()
    assert len(watched.see(1_000, per_hundred=40)) == 1
    watched.breakers.forget_trips(["p/other"])
    watched.breakers.forget_trips([RULE])
    assert watched.see(1_000, per_hundred=40) == []


def test_a_rule_that_all_but_stops_firing_is_told_and_not_held_back() -> None:
    watched = Watched()
    watched.see(3000, per_hundred=10)
    assert watched.breakers.quiet == frozenset()
    assert watched.see(1000, per_hundred=1) == []
    assert watched.breakers.quiet == {RULE}
    assert watched.breakers.held == frozenset()
    watched.see(1000, per_hundred=8)
    assert watched.breakers.quiet == frozenset()


def test_a_rare_rule_that_stops_is_no_news() -> None:
    watched = Watched()
    watched.see(3000, per_hundred=1)
    watched.see(2000, per_hundred=0)
    assert watched.breakers.quiet == frozenset()
