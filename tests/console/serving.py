"""A console of a test's own, on real services, in a thread."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import uvicorn
from starlette.applications import Starlette

from moderator.app import build_workbench
from moderator.authoring.workbench import Workbench
from moderator.console.app import build_parts, make_app
from moderator.posts import Media, Post
from moderator.settings import Settings, load_settings
from moderator.stream.clients import make_producer, started
from moderator.verdicts import (
    ChannelScore,
    ModelRef,
    PolicyRef,
    Receipt,
    RuleScore,
    Severity,
    Verdict,
    encode_verdict,
)
from tests.services.process import LOOPBACK, free_port

DEADLINE_SECONDS = 20.0


@dataclass(frozen=True)
class Console:
    """A console that answers."""

    settings: Settings
    app: Starlette
    bootstrap: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.settings.console_port}"

    def send(self, *pairs: tuple[Post, Verdict]) -> None:
        """Put posts and their verdicts into the topics."""
        asyncio.run(send(self.settings, pairs))

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={**self.headers, **headers})


async def send(settings: Settings, pairs: tuple[tuple[Post, Verdict], ...]) -> None:
    async with started(make_producer(settings)) as producer:
        for post, _ in pairs:
            value = msgspec.json.encode(post)
            await producer.send(settings.posts_topic, value, key=post.id.encode())
        await producer.flush()
        for post, verdict in pairs:
            value = encode_verdict(verdict)
            await producer.send(settings.verdicts_topic, value, key=post.id.encode())
        await producer.flush()


def settings_for(kafka: str, redis: str, **overrides: Any) -> Settings:
    """Topics of the test's own, and a Redis database that it may empty."""
    name = uuid.uuid4().hex[:8]
    topics = {f"{kind}_topic": f"{kind}-{name}" for kind in ("posts", "verdicts", "reviews")}
    given: dict[str, Any] = {
        "kafka": kafka,
        "redis": redis,
        "partitions": 1,
        "media_retries": 0,
        "dead_letters_topic": f"dead-{name}",
        "group": f"workers-{name}",
        "console_group": f"console-{name}",
        "console_port": free_port(),
        "console_second_look_ratio": 0.0,
        **topics,
        **overrides,
    }
    return load_settings(given)


@contextmanager
def serving(
    settings: Settings, build: Callable[[Settings], Workbench] = build_workbench
) -> Iterator[Console]:
    """Serve until the end of the block."""
    app = make_app(build_parts(settings, build))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=LOOPBACK,
            port=settings.console_port,
            loop="asyncio",
            log_config=None,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started)
        yield Console(settings, app, settings.kafka)
    finally:
        server.should_exit = True
        thread.join()


def eventually(true: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
    """What `true` returns once it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.05)
    return value


def a_post(name: str, text: str | None = "red fire", *media: Media, **keys: Any) -> Post:
    return Post(id=name, text=text, media=media, **keys)


def a_hit(rule: str = "test/fire", score: float = 0.7, **keys: Any) -> RuleScore:
    values: dict[str, Any] = {
        "threshold": 0.8,
        "review_at": 0.5,
        "severity": "high",
        "action": "review",
        "shadow": False,
        "channels": {"text": ChannelScore(0.2, score, "red fire")},
    }
    return RuleScore(id=rule, score=score, **(values | keys))


def a_verdict(
    post: Post,
    action: str = "review",
    *hits: RuleScore,
    severity: Severity = "high",
    **keys: Any,
) -> Verdict:
    policy = keys.pop("policy", PolicyRef("test", "1", "abcd"))
    models = {"text": ModelRef("fake", "1234")}
    return Verdict(
        id=Receipt(policy=policy, models=models).verdict_id(post.digest),
        post_id=post.id,
        action=action,
        severity=severity if action != "allow" else None,
        rules=hits or ((a_hit(action=action),) if action != "allow" else ()),
        surface=post.surface,
        policy=policy,
        models=models,
        timing_ms={"total": 4.2},
        **keys,
    )


def for_review(name: str, text: str | None = "red fire", *media: Media) -> tuple[Post, Verdict]:
    post = a_post(name, text, *media)
    return post, a_verdict(post)
