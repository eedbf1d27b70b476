"""The topic of policies, on a real broker: published, followed, refused, taken back."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from moderator.errors import PolicyError, TransientError
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from moderator.settings import Settings, load_settings
from moderator.stream import publications
from moderator.stream.publications import Publication, read_history
from moderator.stream.publishing import difference, publish_set, roll_back, with_changes
from tests.builders import a_policy, a_rule
from tests.stream.harness import POLICY, Stream, eventually, posts

pytestmark = pytest.mark.real_kafka


@pytest.fixture
def settings(stream: Stream) -> Settings:
    """Settings with a topic of policies that does not exist yet."""
    return load_settings(
        {"kafka": stream.cluster.bootstrap, "policies_topic": f"{stream.group}-policies"}
    )


def write(folder: Path, *rules: dict[str, Any], version: int = 1) -> PolicySet:
    file = folder / "published.yaml"
    file.write_text(json.dumps(a_policy(*rules, version=version)))
    return load_policies([file])


class Failing:
    """A consumer whose authorization was taken away."""

    async def getmany(self, *, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms > 0
        raise TopicAuthorizationFailedError("policies")


async def test_a_topic_that_cannot_be_read_any_more_is_tried_again_and_stops_nobody() -> None:
    with pytest.raises(TransientError, match="policies cannot be read"):
        await publications.fetch(Failing(), load_settings({"policies_topic": "policies"}))


async def test_what_is_published_is_kept_with_who_when_and_what_changed(
    settings: Settings, tmp_path: Path
) -> None:
    assert await read_history(settings) == []
    one = await publish_set(settings, write(tmp_path, a_rule("x")), "ann", "first")
    two = await publish_set(
        settings, write(tmp_path, a_rule("x", threshold=0.9), a_rule("y")), "bob"
    )
    history = await read_history(settings)
    assert history == [one, two]
    assert [(step.who, step.note, step.rules) for step in history] == [
        ("ann", "first", 1),
        ("bob", "", 2),
    ]
    assert [(c.added, c.removed, c.changed) for c in with_changes(history)] == [
        (1, 0, 0),
        (1, 0, 1),
    ]
    assert '"threshold": 0.9' in difference(one.bundle, two.bundle)


async def test_a_rollback_is_a_publication_of_an_older_one(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(PolicyError, match="nothing was published"):
        await roll_back(settings, None, "ann", "")
    sets = [write(tmp_path, a_rule(), version=n) for n in range(3)]
    for number in range(3):
        await publish_set(settings, write(tmp_path, a_rule(), version=number), "ann")
    with pytest.raises(PolicyError, match="is in force already"):
        await publish_set(settings, write(tmp_path, a_rule(), version=2), "ann")
    await roll_back(settings, None, "bob", "")
    await roll_back(settings, sets[0].digest[:10], "bob", "oops")
    history = await read_history(settings)
    assert [step.version for step in history] == ["0", "1", "2", "1", "0"]
    assert [step.kind for step in history] == ["publish"] * 3 + ["rollback"] * 2
    assert history[-1].note == "oops"
    with pytest.raises(PolicyError, match="no other digest begins with 'zzz'"):
        await roll_back(settings, "zzz", "bob", "")


async def test_the_oldest_publications_make_room(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publications, "KEPT", 3)
    for number in range(5):
        await publish_set(settings, write(tmp_path, a_rule(), version=number), "ann")
    assert [step.version for step in await read_history(settings)] == ["2", "3", "4"]


async def test_what_is_no_publication_is_passed_over(
    settings: Settings, stream: Stream, tmp_path: Path
) -> None:
    await publish_set(settings, write(tmp_path, a_rule()), "ann")
    await stream.publish(settings.policies_topic, b"{junk")
    assert len(await read_history(settings)) == 1


def sea_policy(folder: Path, text: str) -> PolicySet:
    file = folder / "next.yaml"
    file.write_text(text)
    return load_policies([file])


async def test_a_worker_takes_up_what_is_published_and_refuses_what_is_invalid(
    settings: Settings, stream: Stream, tmp_path: Path
) -> None:
    first = sea_policy(tmp_path, POLICY.replace("version: 1", "version: 2"))
    await publish_set(settings, first, "ann")
    with stream.worker(policies_topic=settings.policies_topic).start() as worker:
        await stream.send(posts(10))
        before = await stream.answers(10)
        assert {verdict.policy.digest for _, verdict in before.verdicts} == {first.digest}

        second = sea_policy(tmp_path, POLICY.replace("action: block", "action: review"))
        published = await publish_set(settings, second, "ann")
        await eventually(lambda: worker.metric("moderator_policy_reloads_total") >= 2)
        await stream.send(posts(10, start=10))
        after = await stream.answers(20)
        actions = {key: verdict.action for key, verdict in after.verdicts}
        assert (actions[b"post-0"], actions[b"post-10"]) == ("block", "review")

        broken = dict.fromkeys(published.bundle.files, "policy: broken\n")
        invalid = Publication(
            name="broken",
            version="1",
            digest="0" * 32,
            rules=1,
            who="eve",
            at="2026-01-01T00:00:00Z",
            bundle=type(published.bundle)(published.bundle.policies, broken),
        )
        await publications.publish(settings, invalid)
        await eventually(lambda: worker.metric("moderator_policy_refused") == 1)
        status, page = await asyncio.to_thread(worker.page, "health")
        assert status == 200
        assert "a policy was refused: publish by eve" in page
        assert "next.yaml:1:1: missing key `version`" in page
        await stream.send(posts(10, start=20))
        last = dict((await stream.answers(30)).verdicts)
        assert last[b"post-20"].policy.digest == second.digest

    # One that starts now goes back to the newest that can be used.
    with stream.worker(policies_topic=settings.policies_topic).start() as worker:
        await stream.send(posts(1, start=30))
        last = dict((await stream.answers(31)).verdicts)
        assert last[b"post-30"].policy.digest == second.digest
        assert worker.metric("moderator_policy_refused") == 1


async def test_a_worker_takes_up_a_file_that_changes(stream: Stream) -> None:
    with stream.worker(policy_reload_seconds=0.2).start() as worker:
        await stream.send(posts(10))
        await stream.answers(10)
        file = stream.folder / "policy.yaml"
        file.write_text(POLICY.replace("action: block", "actoin: review"))
        await eventually(lambda: worker.metric("moderator_policy_refused") == 1)
        page = (await asyncio.to_thread(worker.page, "health"))[1]
        assert "did you mean `action`" in page
        file.write_text(POLICY.replace("action: block", "action: review"))
        await eventually(lambda: worker.metric("moderator_policy_refused") == 0)
        await stream.send(posts(10, start=10))
        actions = {key: v.action for key, v in (await stream.answers(20)).verdicts}
        assert (actions[b"post-0"], actions[b"post-10"]) == ("block", "review")
