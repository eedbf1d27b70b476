import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from moderator.cache.counted import CountedCache
from moderator.cache.media import MediaCache
from moderator.cache.memory import MemoryCache
from moderator.cache.redis import RedisCache
from moderator.metrics import Metrics
from moderator.metrics.catalogue import insert_table, table
from moderator.ocr.base import Unread, Writing, Written
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.verdicts import ModalityReport
from tests.builders import a_post, a_rule, a_screener, compiled
from tests.services.process import free_port


def exposed(metrics: Metrics) -> dict[str, float]:
    """Every sample by its name and labels."""
    lines = metrics.expose().decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def test_a_batch_is_counted_by_action_and_by_rule() -> None:
    metrics = Metrics()
    rules = compiled(a_rule(), a_rule("trial", mode="shadow"))
    posts = [a_post("1", "red fire"), a_post("2", "tomatoes"), a_post("3", "red fire")]
    metrics.observe(a_screener(rules, detail="full").screen(posts))
    samples = exposed(metrics)
    assert samples['moderator_verdicts_total{action="block"}'] == 2
    assert samples['moderator_verdicts_total{action="allow"}'] == 1
    assert (
        samples['moderator_rule_hits_total{action="block",mode="enforced",rule="test/fire"}'] == 2
    )
    assert samples['moderator_rule_hits_total{action="block",mode="shadow",rule="test/trial"}'] == 2
    assert samples["moderator_batch_posts_count"] == 1
    assert samples["moderator_batch_posts_sum"] == 3
    assert samples["moderator_post_seconds_count"] == 3
    assert samples['moderator_stage_seconds_count{stage="encode"}'] == 1
    assert not any('stage="total"' in name for name in samples)
    assert samples['moderator_posts_total{outcome="read"}'] == 3


def test_what_could_not_be_read_is_counted_and_what_was_missing_is_not() -> None:
    metrics = Metrics()
    metrics.observe(a_screener().screen([a_post("1", None, b"junk"), a_post("2", "unencodable")]))
    unread = {name: n for name, n in exposed(metrics).items() if "unread_parts_total" in name}
    assert exposed(metrics)['moderator_posts_total{outcome="partly"}'] == 2
    assert unread == {
        'moderator_unread_parts_total{channel="image",code="not_an_image"}': 1,
        'moderator_unread_parts_total{channel="text",code="inference_failed"}': 1,
    }


def test_strangers_cannot_add_labels() -> None:
    metrics = Metrics()
    posts = [
        LoadedPost(Post(id=str(n), media=(Media(type=f"stranger-{n}/x", data=b"a"),)), (b"a",))
        for n in range(20)
    ]
    metrics.observe(a_screener().screen(posts))
    samples = exposed(metrics)
    assert not any("stranger" in name for name in samples)
    name = 'moderator_unread_parts_total{channel="other",code="unsupported_media"}'
    assert samples[name] == 20


def test_an_empty_batch_is_none() -> None:
    metrics = Metrics()
    metrics.observe([])
    assert exposed(metrics)["moderator_batch_posts_count"] == 0


@pytest.mark.parametrize("away", [False, True])
def test_a_scrape_finds_out_whether_the_cache_is_away(away: bool) -> None:  # noqa: FBT001
    metrics = Metrics()
    cache = RedisCache(f"redis://127.0.0.1:{free_port()}/0") if away else MemoryCache(1)
    metrics.watch_cache(CountedCache(cache))
    samples = exposed(metrics)
    assert samples["moderator_cache_healthy"] == (0 if away else 1)
    assert exposed(metrics)['moderator_degraded{part="cache"}'] == (1 if away else 0)


def test_cache_lookups_are_counted_by_kind_and_probes_are_none() -> None:
    metrics, cache = Metrics(), CountedCache(MemoryCache(10))
    metrics.watch_cache(cache)
    cache.put({"prompt:a": np.zeros(3, np.float32)})
    cache.get(["prompt:a", "prompt:b", "media:c"])
    exposed(metrics)
    assert {k: v for k, v in exposed(metrics).items() if "lookups_total" in k} == {
        'moderator_cache_lookups_total{kind="prompt",result="hit"}': 1,
        'moderator_cache_lookups_total{kind="prompt",result="miss"}': 1,
        'moderator_cache_lookups_total{kind="media",result="miss"}': 1,
    }


def test_attachments_seen_before_are_counted_at_the_scrape() -> None:
    metrics, seen = Metrics(), MediaCache(MemoryCache(10), "scope", 4)
    metrics.watch_media(seen)
    seen.get(["a", "a", "b"])
    samples = exposed(metrics)
    assert samples['moderator_media_cache_total{seen="yes"}'] == 1
    assert samples['moderator_media_cache_total{seen="no"}'] == 2


def test_one_cache_away_of_two_is_told_though_nobody_asks_it() -> None:
    metrics = Metrics()
    away = RedisCache(f"redis://127.0.0.1:{free_port()}/0")
    metrics.watch_cache(CountedCache(MemoryCache(1)), MediaCache(away, "scope", 4))
    assert exposed(metrics)["moderator_cache_healthy"] == 0
    assert exposed(metrics)['moderator_degraded{part="cache"}'] == 1


def test_decoder_processes_that_were_replaced_are_counted_by_reason() -> None:
    metrics = Metrics()
    for reason in ("crashed", "crashed", "timed_out"):
        metrics.count_decoder_restart(reason)
    samples = exposed(metrics)
    assert samples['moderator_decoder_restarts_total{reason="crashed"}'] == 2
    assert samples['moderator_decoder_restarts_total{reason="timed_out"}'] == 1


def test_attachments_are_counted_by_what_was_written_in_them() -> None:
    metrics = Metrics()
    failed = Unread("ocr_failed", "a bug", failed=True)
    read, blank = Written((Writing("x"),), took_seconds=0.5), Written(took_seconds=0.2)
    metrics.observe_written([read, read, blank, Written(spared=True), Written(unread=failed)])
    page = metrics.expose().decode()
    for outcome, count in {"read": 2, "blank": 1, "spared": 1, "failed": 1, "cut": 0}.items():
        assert f'moderator_ocr_attachments_total{{outcome="{outcome}"}} {count}.0' in page
    assert 'moderator_stage_seconds_count{stage="ocr"} 5' in page


def test_a_deferred_part_makes_a_post_partly_read_and_is_no_failure() -> None:
    metrics = Metrics()
    (verdict,) = a_screener().screen([a_post("1", "tomatoes")])
    deferred = ModalityReport(channel="image", status="deferred", code="deferred")
    metrics.observe([msgspec.structs.replace(verdict, modalities=(deferred,))])
    samples = exposed(metrics)
    assert samples['moderator_posts_total{outcome="partly"}'] == 1
    assert not any("unread_parts_total" in name for name in samples)


def test_rules_past_the_cap_share_a_label() -> None:
    metrics = Metrics(most_rules=2)
    rules = compiled(*(a_rule(f"rule-{n}") for n in range(5)))
    metrics.observe(a_screener(rules).screen([a_post("1", "red fire")]))
    hits = {k: v for k, v in exposed(metrics).items() if "rule_hits_total" in k}
    assert len(hits) == 3
    assert hits['moderator_rule_hits_total{action="block",mode="enforced",rule="other"}'] == 3


def test_end_to_end_is_counted_from_the_message_and_from_the_post() -> None:
    metrics = Metrics()
    now = datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  # as posts without a zone are decoded
    ahead = datetime(2026, 1, 2, tzinfo=UTC)
    now_ms = int(now.timestamp() * 1000)
    sent_ms = [now_ms - 2000, -1, now_ms + 60_000]
    metrics.observe_answered(sent_ms, [naive, ahead], now.timestamp())
    samples = exposed(metrics)
    assert samples['moderator_end_to_end_seconds_count{since="message"}'] == 2
    assert samples['moderator_end_to_end_seconds_sum{since="message"}'] == pytest.approx(2)
    assert samples['moderator_end_to_end_seconds_sum{since="created"}'] == pytest.approx(10)


def test_a_slow_bucket_leads_to_a_verdict_and_a_trace() -> None:
    metrics = Metrics()
    (verdict,) = a_screener().screen([a_post("1", "red fire")])
    metrics.observe([verdict])
    metrics.slowest(verdict, "f" * 32)
    page, content_type = metrics.page("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    (line,) = (line for line in page.decode().splitlines() if " # {" in line)
    assert line.startswith("moderator_post_seconds_bucket")
    assert f'verdict_id="{verdict.id}"' in line
    assert f'trace_id="{"f" * 32}"' in line


def test_a_page_may_be_asked_for_single_samples() -> None:
    page, _ = Metrics().page("", ["moderator_in_flight_posts"])
    names = {line.split()[0] for line in page.decode().splitlines() if line[0] != "#"}
    assert names == {"moderator_in_flight_posts"}


def test_who_does_not_know_exemplars_gets_none() -> None:
    page, content_type = Metrics().page("text/plain")
    assert content_type.startswith("text/plain")
    assert b" # {" not in page


def test_the_rules_and_models_in_use_are_those_of_the_screener_at_the_scrape() -> None:
    metrics, screener = Metrics(), a_screener()
    metrics.watch_screener(screener, screener.embedder.channels)
    assert exposed(metrics)['moderator_policy_rules{mode="enforced"}'] == 1
    model = 'moderator_model_info{channel="image",digest="fake",name="fake",provider="none"}'
    assert exposed(metrics)[model] == 1
    canary = a_rule("few", mode={"canary": "10%"})
    screener.rules = compiled(a_rule(), a_rule("trial", mode="shadow"), canary)
    samples = exposed(metrics)
    assert samples['moderator_policy_rules{mode="canary"}'] == 1
    assert samples['moderator_policy_rules{mode="shadow"}'] == 1
    digest = screener.rules.receipt.policy.digest
    infos = [name for name in samples if name.startswith("moderator_policy_info")]
    assert len(infos) == 1
    assert digest in infos[0]


def test_encoding_is_timed_by_modality() -> None:
    metrics, screener = Metrics(), a_screener()
    metrics.watch_screener(screener, screener.embedder.channels)
    screener.screen([a_post("1", "red fire")])
    samples = exposed(metrics)
    assert samples['moderator_stage_seconds_count{stage="encode_text"}'] == 1
    assert 'moderator_stage_seconds_count{stage="encode_image"}' not in samples


def test_names_are_those_of_prometheus_and_all_ours() -> None:
    for line in Metrics().expose().decode().splitlines():
        if line.startswith("# HELP"):
            assert re.match(r"# HELP moderator_[a-z_]+ \S.*\.$", line)


def test_the_operators_page_has_the_table_of_all_metrics() -> None:
    page = Path("docs/operators.md").read_text(encoding="utf-8")
    assert table() in page
    assert insert_table(page) == page


def test_two_metrics_share_nothing() -> None:
    one, other = Metrics(), Metrics()
    one.dead_letters.labels("x").inc()
    assert 'moderator_dead_letters_total{code="x"}' not in exposed(other)
