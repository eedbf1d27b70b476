"""Messages that no client of ours can make: their headers have names that are not UTF-8."""

from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.record._crc32c import crc as crc32c

from tests.stream.harness import Stream

_NAME, _BAD_NAME = b"abcd", b"\xff\xfecd"
_CRC_AT, _CRC_ENDS = 17, 21


async def send_undecodable(
    stream: Stream, key: bytes, value: bytes = b'{"id": "bad"}', *, partition: int = 0
) -> None:
    """Send a batch of three posts, whose middle one cannot be decoded.

    The first and the last have the key with `-before` and `-after`.
    """
    producer = AIOKafkaProducer(bootstrap_servers=stream.cluster.bootstrap)
    await producer.start()
    try:
        batch: Any = producer.create_batch()
        for each, headers in (
            (key + b"-before", []),
            (key, [(_NAME.decode(), b"1")]),
            (key + b"-after", []),
        ):
            post = value if headers else b'{"id": "%s"}' % each
            batch.append(key=each, value=post, timestamp=None, headers=headers)
        batch.close()
        built = bytearray(batch._build().replace(_NAME, _BAD_NAME))
        built[_CRC_AT:_CRC_ENDS] = crc32c(bytes(built[_CRC_ENDS:])).to_bytes(4, "big")
        batch._buffer = built
        topic = stream.topics["posts"]
        await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()
