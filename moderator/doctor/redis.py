"""The cache that workers share."""

from moderator.cache.redis import look
from moderator.doctor.finding import Finding, fail, ok, unknown, warn
from moderator.errors import SettingsError, TransientError
from moderator.settings import Settings

_SLOW_SECONDS = 0.05
_SKEW_SECONDS = 2.0


def check_redis(settings: Settings) -> list[Finding]:
    """Whether it is there, fast, and lets old embeddings go."""
    if settings.redis is None:
        advice = "set MODERATOR_REDIS, so that workers share embeddings and restarts are quick"
        return [warn("redis", "none is set; embeddings are kept in memory only", advice)]
    try:
        seen = look(settings.redis.get_secret_value(), settings.redis_tls)
    except SettingsError as error:
        return [fail("redis", str(error), "correct MODERATOR_REDIS and its certificates")]
    except TransientError as error:
        advice = "start it, or correct MODERATOR_REDIS; workers go on without it, more slowly"
        return [warn("redis", str(error), advice)]
    found = [ok("redis", f"answers in {seen.answer_seconds * 1000:.1f} ms")]
    if seen.answer_seconds > _SLOW_SECONDS:
        advice = "put it near the workers: past 200 ms they go on without it"
        found = [warn("redis", f"answers in {seen.answer_seconds * 1000:.0f} ms", advice)]
    if seen.max_memory_bytes is None:
        found.append(unknown("redis memory", "this user may not ask for its limit (INFO)"))
    elif seen.max_memory_bytes == 0 or seen.policy == "noeviction":
        limit = f"maxmemory {seen.max_memory_bytes}, maxmemory-policy {seen.policy}"
        advice = "set maxmemory and maxmemory-policy allkeys-lru, or it fills up and refuses writes"
        found.append(warn("redis memory", limit, advice))
    else:
        found.append(ok("redis memory", f"{seen.max_memory_bytes:,} bytes, {seen.policy}"))
    if seen.clock_ahead_seconds is not None and abs(seen.clock_ahead_seconds) > _SKEW_SECONDS:
        ahead = f"Redis's clock is {seen.clock_ahead_seconds:+.1f} s off ours"
        advice = "synchronise both clocks (chrony): latencies since the message's time are wrong"
        found.append(warn("clock", ahead, advice))
    return found
