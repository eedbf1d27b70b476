"""Policies of a running worker: put in force, refused, held back."""

import logging
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from moderator.cache.memory import MemoryCache
from moderator.embedder import Embedder
from moderator.encoders.base import Space
from moderator.encoders.fake import fake_space
from moderator.errors import PolicyError
from moderator.metrics.policies import PolicyMetrics
from moderator.pipeline import Screener
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from moderator.stream.policies import LivePolicies
from tests.bench.encoders import free_space
from tests.bench.policies import write_policies
from tests.builders import LIMITS, a_policy, a_post, a_rule, a_set


class Live:
    """Live policies over the fake space, and what they count."""

    def __init__(self, *rules: dict[str, Any], space: Space | None = None, **keys: Any) -> None:
        self.space = space or fake_space()
        self.registry = CollectorRegistry()
        self.now = 0.0
        channels = dict.fromkeys(self.space.channels, self.space)
        rules_in_force = self.compile(a_set(a_policy(*rules, **keys)))
        self.screener = Screener(rules_in_force, Embedder(channels, LIMITS))
        self.policies = LivePolicies(
            self.screener, self.compile, PolicyMetrics(self.registry), clock=lambda: self.now
        )

    def compile(self, policies: PolicySet) -> CompiledRules:
        channels = dict.fromkeys(self.space.channels, self.space)
        return compile_rules(policies, channels, MemoryCache(50_000))

    def screen(self, count: int, text: str) -> set[str]:
        verdicts = self.screener.screen([a_post(str(n), text) for n in range(count)])
        self.policies.observe(verdicts)
        return {verdict.action for verdict in verdicts}

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"moderator_{name}", labels) or 0.0


SEA = a_rule("sea", violates=["blue sea"])


def test_threads_that_screen_get_the_interpreter_sooner_while_a_policy_loads() -> None:
    live, usual, meanwhile = Live(a_rule()), sys.getswitchinterval(), []

    def load() -> PolicySet:
        meanwhile.append(sys.getswitchinterval())
        raise PolicyError("not this one")

    assert live.policies.offer(load, "a test") == "refused"
    assert meanwhile[0] < usual / 5
    assert sys.getswitchinterval() == usual


def test_a_new_policy_takes_the_place_of_the_old_one(caplog: pytest.LogCaptureFixture) -> None:
    live = Live(a_rule())
    before = live.policies.digest
    with caplog.at_level(logging.INFO):
        assert live.policies.offer(lambda: a_set(a_policy(SEA)), "a test") == "loaded"
    assert live.policies.digest != before
    assert live.screen(1, "blue sea") == {"block"}
    assert live.screen(1, "red fire") == {"allow"}
    assert live.metric("policy_reloads_total", outcome="loaded") == 1
    assert "from a test: 1 rules added, 1 removed, 0 changed" in caplog.text


def test_the_same_policy_changes_nothing() -> None:
    live = Live(a_rule())
    rules = live.screener.rules
    assert live.policies.offer(lambda: a_set(a_policy(a_rule())), "a test") == "unchanged"
    assert live.screener.rules is rules


def refuse() -> PolicySet:
    raise PolicyError("a.yaml:3:1: it is wrong")


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (refuse, "a.yaml:3:1: it is wrong"),
        (lambda: a_set(a_policy(a_rule(mode="off"))), "nothing would be checked"),
        (lambda: a_set(a_policy(a_rule(violates=["unencodable"]))), "the encoder returned NaN"),
        (lambda: a_set(a_policy(a_rule(threshold={"precision": 0.9}))), "needs labelled posts"),
    ],
)
def test_an_invalid_policy_is_refused_and_told_and_the_valid_one_goes_on(
    load: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    live = Live(a_rule())
    before = live.policies.digest
    assert live.policies.offer(load, "a test") == "refused"
    assert live.policies.digest == before
    assert live.screen(1, "red fire") == {"block"}
    assert live.policies.refusal is not None
    assert said in live.policies.refusal
    assert said in caplog.text
    assert live.metric("policy_reloads_total", outcome="refused") == 1
    assert live.metric("policy_refused") == 1
    live.policies.offer(lambda: a_set(a_policy(SEA)), "a test")
    assert not live.policies.refusal
    assert live.metric("policy_refused") == 0


def test_a_rule_that_runs_wild_is_held_back_counted_and_let_go_by_a_reload() -> None:
    breaker = {"most": "30%", "over": 100, "at_least": 10, "then": "review", "cool_down": "1m"}
    live = Live(a_rule(), breaker=breaker)
    assert live.screen(100, "red fire") == {"block"}
    assert live.screen(10, "red fire") == {"review"}
    assert live.metric("rule_trips_total", rule="test/fire", then="review") == 1
    assert live.metric("rules_tripped") == 1
    live.policies.offer(lambda: a_set(a_policy(a_rule(), SEA, breaker=breaker)), "a test")
    assert live.screen(5, "red fire") == {"block"}
    assert live.metric("rules_tripped") == 0


def test_a_rule_that_was_held_back_acts_again_after_its_time() -> None:
    live = Live(a_rule(), breaker={"most": "30%", "over": 100, "at_least": 10, "cool_down": "1m"})
    live.screen(100, "red fire")
    assert live.screen(5, "red fire") == {"review"}
    live.now = 61
    live.screen(1, "red fire")
    assert live.screen(1, "red fire") == {"block"}


def test_modes_are_counted_side_by_side() -> None:
    live = Live(a_rule("one"), a_rule("two", mode="shadow"), {**SEA, "mode": "shadow"})
    live.screen(3, "red fire")
    live.screen(2, "blue sea")
    counted = [
        live.metric(
            "rule_outcomes_total",
            rule=f"test/{rule}",
            mode=mode,
            line="threshold",
            acted=acted,
            alone=alone,
        )
        for rule, mode, acted, alone in (
            ("one", "enforce", "true", "true"),
            ("two", "shadow", "false", "false"),
            ("sea", "shadow", "false", "true"),
        )
    ]
    assert counted == [3, 3, 2]


def test_no_batch_is_judged_by_two_policies_while_they_are_exchanged() -> None:
    live = Live(a_rule())
    sets = [a_set(a_policy(a_rule(), version=n)) for n in range(2)]
    done = threading.Event()

    def exchange() -> None:
        while not done.is_set():
            for policies in sets:
                live.policies.offer(lambda policies=policies: policies, "a test")  # type: ignore[misc]

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        seen = set()
        for _ in range(200):
            verdicts = live.screener.screen([a_post(str(n), "red fire") for n in range(8)])
            digests = {verdict.policy.digest for verdict in verdicts}
            assert len(digests) == 1
            seen |= digests
    finally:
        done.set()
        thread.join()
    assert len(seen) >= 2


def batches_meanwhile(live: Live, folder: Path) -> int:
    """How many batches are screened while the policies in `folder` are put in force."""
    offered = threading.Thread(
        target=live.policies.offer, args=(lambda: load_policies([folder]), "a test")
    )
    live.screen(16, "warm up")
    offered.start()
    batches = 0
    while offered.is_alive():
        live.screen(16, "an ordinary text")
        batches += 1
    offered.join()
    return batches


def test_verdicts_go_on_while_a_thousand_rules_are_put_in_force(tmp_path: Path) -> None:
    folder = write_policies(tmp_path / "policies", 1000)
    live = Live(a_rule(), space=free_space())
    assert batches_meanwhile(live, folder) > 10
    live.screen(16, "one more batch, with the new rules")
    assert len(live.screener.rules.ids) == 1000
