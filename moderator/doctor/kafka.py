"""The broker, its topics and our group on it."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from moderator.doctor.finding import Finding, fail, ok, unknown, warn
from moderator.errors import SettingsError, TransientError
from moderator.settings import Settings
from moderator.stream.clients import make_admin, needed_topics, started

_SECONDS = 15.0
_SAFE_REPLICAS = 2


def check_kafka(settings: Settings) -> list[Finding]:
    """Everything about Kafka; only the first finding when it cannot be reached."""
    try:
        return asyncio.run(asyncio.wait_for(_check(settings), _SECONDS))
    except SettingsError as error:
        return [fail("broker", str(error), "correct the files, or let this user read them")]
    except (TransientError, TimeoutError, KafkaError) as error:
        advice = (
            "start the broker, or set MODERATOR_KAFKA; check its advertised.listeners, and that "
            "MODERATOR_KAFKA_SECURITY, user and password are those of its listener"
        )
        return [fail("broker", f"{settings.kafka}: {error or 'no answer in time'}", advice)]


async def _check(settings: Settings) -> list[Finding]:
    async with started(make_admin(settings)) as admin:
        cluster = await admin.describe_cluster()
        brokers = len(cluster["brokers"])
        found = [ok("broker", f"{settings.kafka}: {brokers} broker{'s' * (brokers > 1)}")]
        existing = set(await admin.list_topics())
        wanted = needed_topics(settings)
        advice = (
            f"the first worker creates it with {settings.partitions} partitions, if the broker "
            "lets it; better create it with the replication you want"
        )
        missing = [name for name in wanted if name not in existing]
        found += [warn(f"topic {name}", "does not exist", advice) for name in missing]
        there = [name for name in wanted if name in existing]
        configs = await _configs(admin, there)
        for topic in await admin.describe_topics(there) if there else ():
            found += _topic(topic, configs.get(topic["topic"]), settings, brokers)
        if settings.posts_topic in existing:
            found.append(await _group(admin, settings))
        return found


async def _configs(admin: Any, topics: Sequence[str]) -> dict[str, dict[str, str]]:
    """Each topic's configuration; none where the broker does not tell."""
    if not topics:
        return {}
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    try:
        answers = await admin.describe_configs(wanted)
    except KafkaError:
        return {}
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for code, _, _, name, entries in answer.resources
        if code == 0
    }


def _topic(
    topic: dict[str, Any], config: dict[str, str] | None, settings: Settings, brokers: int
) -> Iterator[Finding]:
    name = f"topic {topic['topic']}"
    partitions = topic["partitions"]
    replicas = min((len(each["replicas"]) for each in partitions), default=0)
    said = f"{len(partitions)} partitions, {replicas} replicas"
    leaderless = [each["partition"] for each in partitions if each["leader"] < 0]
    if leaderless:
        yield fail(name, f"partitions {leaderless} have no leader", "bring their brokers back")
    elif replicas < _SAFE_REPLICAS and brokers >= _SAFE_REPLICAS:
        advice = "a broker lost is posts lost: raise the replication factor to 3"
        yield warn(name, said, advice)
    else:
        yield ok(name, said)
    if config is None:
        yield unknown(f"{name}, settings", "the broker does not tell them")
        return
    largest = int(config.get("max.message.bytes", settings.max_post_bytes))
    if topic["topic"] == settings.posts_topic:
        if "compact" in config.get("cleanup.policy", ""):
            advice = "compaction drops posts that share a key before they are read: use delete"
            yield warn(f"{name}, settings", "cleanup.policy is compact", advice)
    elif topic["topic"] == settings.verdicts_topic:
        return
    elif largest < settings.max_post_bytes:
        yield warn(
            f"{name}, settings",
            f"max.message.bytes is {largest:,}, posts may have {settings.max_post_bytes:,}",
            "the largest posts lose their content on the way there: raise max.message.bytes, or "
            "lower MODERATOR_MAX_POST_BYTES",
        )


async def _group(admin: Any, settings: Settings) -> Finding:
    name = f"group {settings.group}"
    try:
        offsets = await admin.list_consumer_group_offsets(settings.group)
    except GroupCoordinatorNotAvailableError:
        return unknown(name, "the broker keeps no offsets yet, as a new one does not")
    except KafkaError as error:
        advice = "let this user read the group (ACL: Read on the group, Read on the posts topic)"
        return fail(name, repr(error), advice)
    ours = [tp for tp in offsets if tp.topic == settings.posts_topic and offsets[tp].offset >= 0]
    if not ours:
        return ok(name, "has committed nothing yet: it begins with the oldest post")
    return ok(name, f"has committed offsets of {len(ours)} partitions")
