"""Streams to test on, on the shared broker or on one of the test's own."""

import re
from pathlib import Path

import pytest

from tests.services.kafka.broker import Kafka
from tests.services.kafka.cluster import Cluster
from tests.stream.harness import Stream


@pytest.fixture
def bare_stream(kafka: Cluster, request: pytest.FixtureRequest, tmp_path: Path) -> Stream:
    """Return a stream on the shared broker; the test creates its topics, with settings it needs."""
    return Stream(kafka, _name(request), tmp_path)


@pytest.fixture
def stream(bare_stream: Stream) -> Stream:
    """Return a stream on the shared broker, with its topics created."""
    bare_stream.create_topics()
    return bare_stream


@pytest.fixture
def own_stream(kafka_server: Kafka, request: pytest.FixtureRequest, tmp_path: Path) -> Stream:
    """Return a stream on a broker that the test may stop, kill and start again."""
    return Stream(kafka_server, _name(request), tmp_path)


def _name(request: pytest.FixtureRequest) -> str:
    return re.sub(r"[^a-z0-9]+", "-", request.node.name)[:60].strip("-")
