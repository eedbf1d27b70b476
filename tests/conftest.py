"""The services every test may ask for; each starts with the first test that does.

Addresses from the environment are used as they are: ``MODERATOR_TEST_KAFKA`` (``host:port``, or
``embedded`` for the embedded broker) and ``MODERATOR_TEST_REDIS`` (a ``redis://`` URL). Without
them the servers are started, installed first if need be. Where one cannot be had the tests that
need it are skipped, or fail when ``CI`` is set.
"""

import json
import os
import re
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from moderator.encoders.base import Space
from moderator.encoders.fake import fake_space
from moderator.settings import bundled
from tests.builders import a_policy, a_rule
from tests.services.kafka.broker import Kafka
from tests.services.kafka.cluster import Cluster, GivenCluster, NewTopic, embedded_cluster
from tests.services.kafka.install import install as install_kafka
from tests.services.kafka.jars import Jars
from tests.services.missing import IN_CI, without
from tests.services.packages import Announce, UnavailableError
from tests.services.redis import Redis
from tests.services.redis import install as install_redis

# A fixture's use marks the test, so that `-m "not kafka"` selects what needs no broker.
MARKS = {
    "kafka": "kafka",
    "topic": "kafka",
    "real_kafka": "real_kafka",
    "kafka_server": "real_kafka",
    "kafka_jars": "real_kafka",
    "redis_url": "redis",
    "redis_server": "redis",
}

SERVERS = frozenset(MARKS.values())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in MARKS:
                item.add_marker(MARKS[fixture])
    # Files that wait for servers come first, so that those that compute fill their gaps.
    waiting = {item.path for item in items if any(map(item.get_closest_marker, SERVERS))}
    items.sort(key=lambda item: item.path not in waiting)


@pytest.fixture(autouse=True)
def _real_where_claimed(request: pytest.FixtureRequest) -> None:
    """Hold tests marked ``real_kafka`` to it, whichever fixture they use."""
    if request.node.get_closest_marker("real_kafka"):
        names = request.node.fixturenames
        request.getfixturevalue("kafka_jars" if "kafka_jars" in names else "real_kafka")


@pytest.fixture(scope="session")
def announce(request: pytest.FixtureRequest) -> Announce:
    """Return a function that shows a line on the terminal at once, captured output or not."""
    plugins = request.config.pluginmanager
    reporter, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")

    def show(line: str) -> None:
        with ExitStack() as stack:
            if capture is not None:
                stack.enter_context(capture.global_and_fixture_disabled())
            if reporter is not None:
                reporter.ensure_newline()
                reporter.write_line(f"services: {line}")

    return show


@pytest.fixture(scope="session")
def kafka_jars(announce: Announce) -> Jars:
    """Return the installed Kafka; skip, or fail in CI, where it cannot be had."""
    try:
        return install_kafka(announce)
    except UnavailableError as error:
        raise without(f"no real Kafka: {error}") from None


@pytest.fixture(scope="session")
def kafka(announce: Announce) -> Iterator[Cluster]:
    """Share one broker: real where it can be had, else (but not in CI) the embedded one."""
    given = os.environ.get("MODERATOR_TEST_KAFKA")
    with ExitStack() as stack:
        if given == "embedded":
            yield stack.enter_context(embedded_cluster())
        elif given:
            yield GivenCluster(given)
        else:
            yield _own_cluster(stack, announce)


def _own_cluster(stack: ExitStack, announce: Announce) -> Cluster:
    try:
        jars = install_kafka(announce)
    except UnavailableError as error:
        if IN_CI:
            raise without(f"no real Kafka: {error}") from None
        announce(f"no real Kafka ({error}); tests of the protocol use the embedded broker")
        return stack.enter_context(embedded_cluster())
    return stack.enter_context(Kafka(jars, _folder(stack)))


@pytest.fixture(scope="session")
def real_kafka(kafka: Cluster) -> Cluster:
    """Return the shared broker if it is Apache Kafka; skip, or fail in CI, if it is not."""
    if not kafka.real:
        raise without("no real Kafka, and the embedded broker keeps nothing")
    return kafka


@pytest.fixture
def kafka_server(kafka_jars: Jars) -> Iterator[Kafka]:
    """Start an Apache Kafka of the test's own, which it may stop, kill and start again."""
    with ExitStack() as stack:
        yield stack.enter_context(Kafka(kafka_jars, _folder(stack)))


@pytest.fixture
def topic(kafka: Cluster, request: pytest.FixtureRequest) -> NewTopic:
    """Return a function that creates a topic of the test's own: ``topic("posts", 4)`` → name."""
    test = re.sub(r"[^a-zA-Z0-9]+", "-", request.node.name)[:80]

    def create(
        label: str = "topic",
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
    ) -> str:
        name = f"{test}-{label}-{uuid.uuid4().hex[:8]}"
        kafka.create_topic(name, partitions, config)
        return name

    return create


@pytest.fixture(scope="session")
def redis_executable(announce: Announce) -> str:
    """Return the path of redis-server; skip, or fail in CI, where it cannot be had."""
    try:
        return install_redis(announce)
    except UnavailableError as error:
        raise without(f"no Redis: {error}") from None


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Share one Redis; its data is that of all tests, so use keys of your own."""
    given = os.environ.get("MODERATOR_TEST_REDIS")
    if given:
        yield given
        return
    executable = request.getfixturevalue("redis_executable")
    with ExitStack() as stack:
        yield stack.enter_context(Redis(executable, _folder(stack))).url


@pytest.fixture
def redis_server(redis_executable: str) -> Iterator[Redis]:
    """Start a Redis of the test's own, which it may kill and restart."""
    with ExitStack() as stack:
        yield stack.enter_context(Redis(redis_executable, _folder(stack)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of shared data beside the repository; skip where there is none."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder of shared data beside the repository, ../shared")
    return folder


def _folder(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moderator-test-")))


@pytest.fixture
def space() -> Space:
    """Return a space of its own without models, whose text encoder counts what it was asked."""
    return fake_space()


@pytest.fixture(scope="session")
def starter() -> Path:
    """Return the folder of the models that ship with the package."""
    return bundled("models/starter")


@pytest.fixture
def policies_file(tmp_path: Path) -> Path:
    """Write a small policy over words that the fake space knows."""
    path = tmp_path / "policy.yaml"
    path.write_text(json.dumps(a_policy(a_rule("fire", violates=["red fire"]))), encoding="utf-8")
    return path
