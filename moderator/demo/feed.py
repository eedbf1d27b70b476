"""`python -m moderator.demo.feed`: sample posts into the posts topic, again and again.

For deployments to be looked at, such as deploy/compose.yaml.
"""

import argparse
import asyncio
import itertools
import logging

from moderator.demo.samples.posts import sample_posts
from moderator.settings import Settings, load_settings
from moderator.stream.clients import ensure_topics, make_producer, started

_POSTS = 240


async def feed(settings: Settings, *, per_second: float) -> None:
    """Send until cancelled; each round is other posts. Raises TransientError."""
    await ensure_topics(settings)
    async with started(make_producer(settings)) as producer:
        for seed in itertools.count():
            for sample in sample_posts(_POSTS, seed):
                await producer.send(settings.posts_topic, sample.value, key=sample.id.encode())
                await asyncio.sleep(1 / per_second)


def main() -> None:
    """Run until a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-second", type=float, default=5.0, help="posts per second")
    logging.basicConfig(level="WARNING")
    asyncio.run(feed(load_settings(), per_second=parser.parse_args().per_second))


if __name__ == "__main__":
    main()
