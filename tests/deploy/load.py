"""Posts of every kind into Kafka, at a steady rate, from a thread of its own."""

import asyncio
import base64
import itertools
import json
import threading
from datetime import UTC, datetime
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from tests.builders import picture

_PER_SECOND = 60
_PICTURES = [base64.b64encode(picture(colour)).decode() for colour in ("red", "green", "blue")]


class Load:
    """Nine in ten ordinary, one a violation, some with a picture; a few that cannot be read."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.poison = 0.01  # share of messages that are no posts
        self._bootstrap = bootstrap
        self._topic = topic
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send()), daemon=True)
        self._over = threading.Event()

    async def _send(self) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap)
        await producer.start()
        try:
            for number in itertools.count():
                if self._over.is_set():
                    return
                await producer.send(self._topic, self._message(number), key=str(number).encode())
                await asyncio.sleep(1 / _PER_SECOND)
        finally:
            await producer.stop()

    def _message(self, number: int) -> bytes:
        if number % 100 < self.poison * 100:
            return b"{no post"
        post: dict[str, Any] = {
            "id": str(number),
            "text": "red red danger" if number % 10 == 5 else f"green meadow {number}",
            "created_at": datetime.now(UTC).isoformat(),
        }
        if number % 4 == 1:
            broken = number % 40 == 1
            post["media"] = [{"data": "anVuaw==" if broken else _PICTURES[number % 3]}]
        if number % 50 == 7:  # refused for its address, after which there was something to fetch
            post["media"] = [{"url": "http://127.0.0.1/x.png"}]
        return json.dumps(post).encode()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(20)
