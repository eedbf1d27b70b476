"""A stream in which half of the images were seen before, with the cache of them and without."""

from collections.abc import Iterator

import numpy as np

from moderator.cache.media import MediaCache
from moderator.cache.memory import MemoryCache
from moderator.encoders.base import Space
from moderator.media.decode import DecodeLimits
from moderator.pictures import media_scope
from moderator.pipeline import Screener
from tests.bench.encoders import without_texts
from tests.bench.images import image_post, screening
from tests.bench.photographs import photograph
from tests.bench.report import CORES, Row
from tests.bench.skeletons import Skeletons
from tests.bench.timing import interleaved, ratio
from tests.builders import a_screener

# Images that are seen for the first time: so many that a repeat comes some batches after its first,
# as it does in a stream; two callers with the same picture at the same moment would both encode it.
NEW = 32 * len(CORES)
ROUNDS = 5


def run(skeletons: Skeletons) -> Iterator[Row]:
    """The rows of `repeats`."""
    space = without_texts(skeletons.space("fp32"))
    pictures = [photograph(seed) for seed in range(NEW)]
    # The first half is new; then each new one comes with one that is not.
    half = range(NEW // 2)
    again = (place for old in half for place in (old + NEW // 2, old))
    order = [*half, *again, *range(NEW // 2, NEW)]
    posts = [image_post(number, pictures[place]) for number, place in enumerate(order)]

    def seeing() -> float:
        return screening(space, posts, _remembering(space))()

    runs = interleaved({"anew": screening(space, posts), "seen": seeing}, ROUNDS)
    yield Row("every image anew", float(np.median(runs["anew"])), "posts/s")
    yield Row("half of them seen before", float(np.median(runs["seen"])), "posts/s")
    yield Row("half of them seen before against anew", ratio(runs, "seen", "anew"), bar=1.8)


def _remembering(space: Space) -> Screener:
    """A screener whose cache is empty."""
    scope = media_scope(space, DecodeLimits())
    cache = MediaCache(MemoryCache(10_000), scope, space.dimensions)
    return a_screener(space=space, seen=cache)
