import re

import pytest

from moderator.cache.media import MediaCache
from moderator.cache.memory import MemoryCache
from moderator.cache.redis import RedisCache
from moderator.metrics import Metrics
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
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
    assert samples['moderator_rule_hits_total{action="block",rule="test/fire",shadow="false"}'] == 2
    assert samples['moderator_rule_hits_total{action="block",rule="test/trial",shadow="true"}'] == 2
    assert samples["moderator_batch_posts_count"] == 1
    assert samples["moderator_batch_posts_sum"] == 3
    assert samples["moderator_post_seconds_count"] == 3
    assert samples['moderator_stage_seconds_count{stage="encode"}'] == 1
    assert not any('stage="total"' in name for name in samples)


def test_what_could_not_be_read_is_counted_and_what_was_missing_is_not() -> None:
    metrics = Metrics()
    metrics.observe(a_screener().screen([a_post("1", None, b"junk"), a_post("2", "unencodable")]))
    unread = {name: n for name, n in exposed(metrics).items() if "unread_parts_total" in name}
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
def test_the_health_of_the_cache_is_that_at_the_scrape(away: bool) -> None:  # noqa: FBT001
    metrics = Metrics()
    cache = RedisCache(f"redis://127.0.0.1:{free_port()}/0") if away else MemoryCache(1)
    metrics.watch_cache(cache)
    assert exposed(metrics)["moderator_cache_healthy"] == 1
    cache.get(["key"])
    assert exposed(metrics)["moderator_cache_healthy"] == (0 if away else 1)


def test_attachments_seen_before_are_counted_at_the_scrape() -> None:
    metrics, seen = Metrics(), MediaCache(MemoryCache(10), "scope", 4)
    metrics.watch_media(seen)
    seen.get(["a", "a", "b"])
    samples = exposed(metrics)
    assert samples['moderator_media_cache_total{seen="yes"}'] == 1
    assert samples['moderator_media_cache_total{seen="no"}'] == 2


def test_one_cache_away_of_two_is_told() -> None:
    metrics = Metrics()
    away = RedisCache(f"redis://127.0.0.1:{free_port()}/0")
    metrics.watch_cache(MemoryCache(1), MediaCache(away, "scope", 4))
    away.get(["key"])
    assert exposed(metrics)["moderator_cache_healthy"] == 0


def test_names_are_those_of_prometheus_and_all_ours() -> None:
    for line in Metrics().expose().decode().splitlines():
        if line.startswith("# HELP"):
            assert re.match(r"# HELP moderator_[a-z_]+ \S.*\.$", line)


def test_two_metrics_share_nothing() -> None:
    one, other = Metrics(), Metrics()
    one.dead_letters.labels("x").inc()
    assert 'moderator_dead_letters_total{code="x"}' not in exposed(other)


def test_decoder_processes_that_were_replaced_are_counted_by_reason() -> None:
    metrics = Metrics()
    for reason in ("crashed", "crashed", "timed_out"):
        metrics.count_decoder_restart(reason)
    exposed = metrics.expose().decode()
    assert 'moderator_decoder_restarts_total{reason="crashed"} 2.0' in exposed
    assert 'moderator_decoder_restarts_total{reason="timed_out"} 1.0' in exposed
