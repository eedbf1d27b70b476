"""The bytes of a post's attachments, wherever they are."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from moderator.errors import MediaError, ModeratorError, TransientError, bug
from moderator.logs import where
from moderator.media.fetch import Fetcher
from moderator.posts import Media, Post
from moderator.reading import LoadedPost

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadLimits:
    """What the attachments of one post may cost together. What lies beyond is not loaded."""

    max_media: int
    max_bytes: int
    max_seconds: float
    tries: int = 3


class MediaLoader:
    """Loads attachments, those of `fetchers` posts at a time.

    The attachments of one post are fetched one after the other, so that neither its bytes in memory
    nor the threads that wait for its hosts are more than one post's share. What fails stays in its
    place as an error.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        limits: LoadLimits,
        *,
        fetchers: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetcher = fetcher
        self._limits = limits
        self._pool = ThreadPoolExecutor(fetchers, thread_name_prefix="fetch")
        self._sleep = sleep
        self._clock = clock
        self.retries = 0

    def close(self) -> None:
        """Take no more work; fetches under way are bounded by their own time-outs."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def load(self, posts: Sequence[Post], received: float) -> list[LoadedPost]:
        """Load several posts side by side."""
        pending = [self.submit(post, received) for post in posts]
        return [future.result() for future in pending]

    def submit(self, post: Post, received: float) -> Future[LoadedPost]:
        """Begin to load a post."""
        if needs_fetching(post):
            return self._pool.submit(self._load, post, received)
        done: Future[LoadedPost] = Future()
        done.set_result(self.inline(post, received))
        return done

    def inline(self, post: Post, received: float) -> LoadedPost:
        """Load a post that carries all its attachments itself."""
        media = post.media[: self._limits.max_media]
        return LoadedPost(post, tuple(item.data or b"" for item in media), received)

    def _load(self, post: Post, received: float) -> LoadedPost:
        deadline = self._clock() + self._limits.max_seconds
        left_bytes = self._limits.max_bytes
        contents: list[bytes | ModeratorError] = []
        for item in post.media[: self._limits.max_media]:
            content: bytes | ModeratorError = b""
            if left_bytes >= 0:
                content = self._load_one(item, deadline)
            if isinstance(content, bytes):
                left_bytes -= len(content)
                if left_bytes < 0:
                    content = MediaError(
                        "media_too_large",
                        f"the post's attachments have more than {self._limits.max_bytes:,} bytes",
                    )
            contents.append(content)
        return LoadedPost(post, tuple(contents), received)

    def _load_one(self, media: Media, deadline: float) -> bytes | ModeratorError:
        if media.url is None:
            return media.data or b""
        try:
            return self._fetch(media.url, deadline)
        except ModeratorError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a bug must cost the attachment, not the worker
            # Without the message, which may hold the URL.
            log.error("an attachment could not be fetched because of a bug: %s", where(error))  # noqa: TRY400
            return MediaError("internal_error", bug(error))

    def _fetch(self, url: str, deadline: float) -> bytes:
        for attempt in range(1, self._limits.tries + 1):
            if self._clock() > deadline:
                raise TransientError(
                    f"the post's attachments took more than {self._limits.max_seconds:g} s"
                )
            try:
                return self._fetcher.fetch(url)
            except TransientError:
                if attempt == self._limits.tries:
                    raise
                self.retries += 1
                # Full jitter: after an outage of the host not all retries arrive together.
                self._sleep(random.uniform(0, 0.2 * 2**attempt))  # noqa: S311
        raise AssertionError("unreachable")


def needs_fetching(post: Post) -> bool:
    """Whether some attachment is elsewhere."""
    return any(media.url is not None for media in post.media)
