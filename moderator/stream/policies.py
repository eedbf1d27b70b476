"""The policies of a running worker: new ones are put in force beside the running ones.

A batch is judged by the rules it started with, because `Screener.rules` is read once for each and
replaced as a whole. An invalid policy never replaces a valid one.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal, TypeAlias

from moderator.errors import InferenceError, PolicyError
from moderator.metrics.policies import PolicyMetrics
from moderator.pipeline import Screener
from moderator.policy.compile import CompiledRules
from moderator.policy.policyset import PolicySet
from moderator.stream.breaker import Breakers, Then, Trip
from moderator.verdicts import Verdict

log = logging.getLogger(__name__)

Outcome = Literal["loaded", "unchanged", "refused"]
Offer: TypeAlias = tuple[Callable[[], PolicySet], str]  # how to load it, and where it is from
_SWITCH_SECONDS = 0.0005  # a tenth of Python's own
_SHOWN_CHARACTERS = 2000  # of a refusal, on pages and in the log


class LivePolicies:
    """Owns what rules a screener has. Threads may share it."""

    def __init__(
        self,
        screener: Screener,
        compiler: Callable[[PolicySet], CompiledRules],
        metrics: PolicyMetrics,
        *,
        beside: Callable[[PolicySet], CompiledRules] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`beside` compiles while posts are screened, slower and out of their way."""
        self._screener = screener
        self._compiler = compiler
        self._beside = beside or compiler
        self._metrics = metrics
        self._clock = clock
        self._breakers = Breakers()
        self._exchange = threading.Lock()  # held for moments only, by the threads that screen too
        self._loading = threading.Lock()  # held while a policy compiles
        self.refusal: str | None = None
        metrics.loaded.set_to_current_time()

    @property
    def digest(self) -> str:
        """Of the policies in force."""
        return self._screener.rules.receipt.policy.digest

    def offer(self, load: Callable[[], PolicySet], origin: str) -> Outcome:
        """Load, check, compile and put in force; takes seconds, so call it off the event loop.

        `origin` says in the log where it comes from. What cannot be used is refused and told.
        """
        with _giving_way():
            return self._take(load, origin, self._beside)

    def _take(
        self,
        load: Callable[[], PolicySet],
        origin: str,
        compiler: Callable[[PolicySet], CompiledRules],
    ) -> Outcome:
        with self._loading:
            try:
                outcome = self._offer(load(), origin, compiler)
            except (PolicyError, InferenceError) as error:
                outcome = "refused"
                self._refuse(str(error), origin)
            self._metrics.reloads.labels(outcome).inc()
            return outcome

    def offer_first_good(self, offers: Iterable[Offer]) -> None:
        """Before the first post: put in force the first that can be used, the newest being first.

        A refusal of the newest stays to be seen, because that is what somebody must mend.
        """
        refusal = None
        for load, origin in offers:
            if self._take(load, origin, self._compiler) != "refused":
                break
            refusal = refusal or self.refusal
        if refusal is not None:
            self.refusal = refusal
            self._metrics.refused.set(1)

    def observe(self, verdicts: Sequence[Verdict]) -> None:
        """Count a batch for the circuit breakers and the comparison of modes."""
        self._metrics.observe(verdicts)
        if not self._screener.rules.breakers:
            return
        with self._exchange:
            rules = self._screener.rules
            breakers = {rules.ids[column]: breaker for column, breaker in rules.breakers.items()}
            before = self._breakers.quiet
            trips = self._breakers.observe(verdicts, breakers, self._clock())
            quiet = self._breakers.quiet - before
            self._metrics.quiet.set(len(self._breakers.quiet))
            if trips:
                self._screener.rules = self._with_trips(rules, trips)
                self._metrics.tripped.set(len(self._breakers.held))
        for trip in trips:
            self._tell(trip)
        for rule in sorted(quiet):
            log.error("rule %s has all but stopped firing; does it still say what it should?", rule)

    def _offer(
        self, policies: PolicySet, origin: str, compiler: Callable[[PolicySet], CompiledRules]
    ) -> Outcome:
        if policies.digest == self.digest:
            self._accept(None)
            return "unchanged"
        for warning in policies.warnings:
            log.warning("%s", warning)
        began = time.perf_counter()
        rules = compiler(policies)
        with self._exchange:
            before = self._screener.rules
            self._screener.rules = rules
            self._breakers.forget_trips(rules.ids)
            self._metrics.tripped.set(0)
            self._metrics.quiet.set(0)
        self._accept(time.perf_counter() - began)
        log.info(
            "policies %s, version %s, digest %s from %s: %s",
            *(policies.name, policies.version, policies.digest, origin),
            changes(before, rules),
        )
        return "loaded"

    def _accept(self, seconds: float | None) -> None:
        self.refusal = None
        self._metrics.refused.set(0)
        if seconds is not None:
            self._metrics.loaded.set_to_current_time()
            log.info("compiled in %.1f s", seconds)

    def _refuse(self, reason: str, origin: str) -> None:
        self.refusal = f"{origin}: {reason}"[:_SHOWN_CHARACTERS]
        self._metrics.refused.set(1)
        log.error("a policy was refused, %s stays in force; %s", self.digest, self.refusal)

    def _with_trips(self, rules: CompiledRules, trips: Sequence[Trip]) -> CompiledRules:
        place = {name: column for column, name in enumerate(rules.ids)}
        tripped: dict[int, Then] = dict(rules.tripped)
        for trip in trips:
            column = place[trip.rule]
            tripped.pop(column, None)
            if trip.then is not None:
                tripped[column] = trip.then
        return replace(rules, tripped=tripped)

    def _tell(self, trip: Trip) -> None:
        if trip.then is None:
            log.warning("rule %s acts again: %s", trip.rule, trip.reason)
            return
        self._metrics.count_trip(trip.rule, trip.then)
        log.error("rule %s is held back (%s): it %s", trip.rule, trip.then, trip.reason)


@contextmanager
def _giving_way() -> Iterator[None]:
    """Let other threads have the interpreter sooner, while this one is busy with a policy.

    A batch needs the interpreter some dozens of times on its way, and beside a busy thread each
    time waits for one switch interval; see `python -m tests.bench.reload`.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def changes(before: CompiledRules, after: CompiledRules) -> str:
    """What a reload changed, in a line for the log."""
    old = dict(zip(before.ids, before.rules, strict=True))
    new = dict(zip(after.ids, after.rules, strict=True))
    changed = sum(old[name] != new[name] for name in old.keys() & new.keys())
    return (
        f"{len(new.keys() - old.keys())} rules added, {len(old.keys() - new.keys())} removed, "
        f"{changed} changed"
    )
