"""Kafka and Redis for developers: ``python -m tests.services install|up``.

``install`` fetches what is missing, so that the first test run need not. ``up`` starts both,
prints their addresses as lines for a shell, and runs until Ctrl-C.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.services.browser import install as install_browser
from tests.services.browser import install_axe
from tests.services.kafka.broker import Kafka
from tests.services.kafka.install import install as install_kafka
from tests.services.packages import UnavailableError
from tests.services.prometheus import install as install_prometheus
from tests.services.redis import Redis
from tests.services.redis import install as install_redis


def main() -> int:
    """Return the exit status: 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m tests.services", description=__doc__)
    parser.add_argument("action", choices=["install", "up"])
    action = parser.parse_args().action
    # SIGTERM as Ctrl-C: either way the servers are stopped in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _install() if action == "install" else _up()
    except UnavailableError as error:
        _announce(str(error))
        return 1
    except KeyboardInterrupt:
        _announce("stopped")
    return 0


def _install() -> None:
    jars = install_kafka(_announce)
    _announce(f"Kafka: {jars.directory.name}; Redis: {install_redis(_announce)}")
    _announce(f"Prometheus: {install_prometheus(_announce)}")
    _announce(f"Chromium: {install_browser(_announce)}; axe-core: {install_axe(_announce).name}")


def _up() -> None:
    jars, redis_server = install_kafka(_announce), install_redis(_announce)
    with tempfile.TemporaryDirectory(prefix="moderator-services-") as folder:
        kafka_home = Path(folder, "kafka")
        kafka_home.mkdir()
        with Kafka(jars, kafka_home) as kafka, Redis(redis_server, Path(folder)) as redis:
            sys.stdout.write(f"export MODERATOR_KAFKA={kafka.bootstrap}\n")
            sys.stdout.write(f"export MODERATOR_REDIS={redis.url}\n")
            sys.stdout.flush()
            signal.pause()


def _announce(line: str) -> None:
    sys.stderr.write(f"services: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
