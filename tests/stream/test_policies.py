"""Policies of a running worker: put in force, refused, held back."""

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from moderator.cache.memory import MemoryCache
from moderator.encoders.base import Space
from moderator.encoders.fake import fake_space
from moderator.errors import PolicyError
from moderator.pipeline import Screener
from moderator.policy.bundle import Bundle, pack, unpack
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from moderator.stream.policies import LivePolicies
from moderator.stream.policy_metrics import PolicyMetrics
from moderator.stream.watch import FileWatch
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
        self.screener = Screener(
            self.compile(a_set(a_policy(*rules, **keys))), channels, LIMITS, "crossed"
        )
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
    assert live.screen(5, "red fire") == {"allow"}
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


def test_a_thousand_rules_are_put_in_force_without_a_pause(tmp_path: Path) -> None:
    live = Live(a_rule(), space=free_space())
    folder = write_policies(tmp_path / "policies", 1000)
    offered = threading.Thread(
        target=live.policies.offer, args=(lambda: load_policies([folder]), "a test")
    )
    live.screen(16, "warm up")
    offered.start()
    longest, last, switched = 0.0, time.perf_counter(), False
    while offered.is_alive() or not switched:
        switched = not offered.is_alive()
        live.screen(16, "an ordinary text")
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    offered.join()
    assert len(live.screener.rules.ids) == 1000
    assert longest < 0.2


def test_files_that_change_are_seen_once_they_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    shared = tmp_path / "_shared.yaml"
    shared.write_text(json.dumps({"rules": [a_rule()]}))
    file.write_text("policy: a\nversion: 1\ninclude: [_shared.yaml]\n")
    watch = FileWatch([tmp_path])
    assert not watch.have_changed()
    shared.write_text(json.dumps({"rules": [a_rule(), SEA]}))
    assert not watch.have_changed()  # it may still be being written
    shared.write_text(json.dumps({"rules": [a_rule(), SEA, a_rule("x")]}))
    assert not watch.have_changed()
    assert watch.have_changed()
    assert len(watch.load()) == 3
    assert not watch.have_changed()


@pytest.mark.parametrize("name", ["b.yaml", "a.calibration.yaml"])
def test_files_that_appear_are_seen(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(a_policy(a_rule())))
    watch = FileWatch([tmp_path])
    (tmp_path / name).write_text("x: 1")
    assert [watch.have_changed(), watch.have_changed()] == [False, True]
    with pytest.raises(PolicyError):
        watch.load()
    assert not watch.have_changed()
    (tmp_path / name).unlink()
    assert [watch.have_changed(), watch.have_changed()] == [False, True]
    assert len(watch.load()) == 1


def test_an_included_file_that_was_wrong_is_watched_as_well(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(a_policy(a_rule())))
    watch = FileWatch([tmp_path / "a.yaml"])
    (tmp_path / "_more.yaml").write_text("rulse: []")
    (tmp_path / "a.yaml").write_text(json.dumps(a_policy(a_rule(), include=["_more.yaml"])))
    watch.have_changed()
    assert watch.have_changed()
    with pytest.raises(PolicyError):
        watch.load()
    (tmp_path / "_more.yaml").write_text("rules: []")
    assert [watch.have_changed(), watch.have_changed()] == [False, True]


def test_a_bundle_holds_all_that_a_policy_was_made_of(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "_more.yaml").write_text(json.dumps({"rules": [SEA]}))
    (tmp_path / "sub" / "a.yaml").write_text(
        json.dumps(a_policy(a_rule(), include=["_more.yaml"], policy="a"))
    )
    (tmp_path / "b.yaml").write_text(json.dumps(a_policy(a_rule(), policy="b")))
    policies = load_policies([tmp_path / "sub", tmp_path / "b.yaml"])
    bundle = pack(policies)
    assert sorted(bundle.files) == ["b.yaml", "sub/_more.yaml", "sub/a.yaml"]
    assert unpack(bundle).digest == policies.digest


def test_errors_of_a_bundle_name_its_files_and_no_folder_of_ours() -> None:
    with pytest.raises(PolicyError) as caught:
        unpack(Bundle(("x/a.yaml",), {"x/a.yaml": "policy: a\nversoin: 1\n"}))
    assert str(caught.value).startswith("x/a.yaml:1:1: ")


@pytest.mark.parametrize("name", ["../a.yaml", "/tmp/a.yaml", "x/../../a.yaml", ""])
def test_a_bundle_cannot_write_outside_of_its_folder(name: str) -> None:
    with pytest.raises(PolicyError, match="lies outside of it"):
        unpack(Bundle((name,), {name: "policy: a\n"}))
