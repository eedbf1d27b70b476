"""The bytes of a post's attachments, wherever they are."""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from moderator.errors import MediaError, ModeratorError, TransientError
from moderator.media.fetch import Fetcher
from moderator.posts import Media, Post
from moderator.reading import LoadedPost

Content = bytes | ModeratorError


class MediaLoader:
    """Loads attachments, up to `fetchers` at a time; what fails stays in its place as an error."""

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        fetchers: int,
        max_media: int,
        tries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._fetcher = fetcher
        self._pool = ThreadPoolExecutor(fetchers, thread_name_prefix="fetch")
        self._max_media = max_media
        self._tries = tries
        self._sleep = sleep

    def close(self) -> None:
        """Stop taking work; fetches under way are bounded by their own time-outs."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def submit(self, post: Post) -> list[Future[Content]]:
        """Begin to load a post's attachments; their futures never raise."""
        return [self._pool.submit(self._load, item) for item in post.media[: self._max_media]]

    def load(self, posts: Sequence[Post], received: float) -> list[LoadedPost]:
        """Load several posts, all their attachments side by side."""
        pending = [self.submit(post) for post in posts]
        return [
            LoadedPost(post, tuple(future.result() for future in futures), received)
            for post, futures in zip(posts, pending, strict=True)
        ]

    def _load(self, media: Media) -> Content:
        if media.data is not None:
            return media.data
        assert media.url is not None  # Media holds exactly one of the two
        for attempt in range(1, self._tries + 1):
            try:
                return self._fetcher.fetch(media.url)
            except MediaError as error:
                return error
            except TransientError as error:
                if attempt == self._tries:
                    return error
                # Full jitter: after an outage of the media host not all retries arrive together.
                self._sleep(random.uniform(0, 0.2 * 2**attempt))  # noqa: S311
        raise AssertionError("unreachable")


def needs_fetching(post: Post) -> bool:
    """Whether some attachment is elsewhere."""
    return any(media.url is not None for media in post.media)


def inline(post: Post, max_media: int, received: float) -> LoadedPost:
    """Load a post that carries all its attachments itself, without a thread."""
    contents = tuple(media.data or b"" for media in post.media[:max_media])
    return LoadedPost(post, contents, received)
