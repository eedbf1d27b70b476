"""A bug in what runs side by side ends the worker, and nothing is lost by it."""

from concurrent.futures import Future

import pytest

from moderator.media.load import MediaLoader
from moderator.posts import Post
from moderator.reading import LoadedPost
from tests.stream.fakes import until
from tests.stream.rig import posts, running, with_url


async def test_a_bug_in_what_runs_beside_the_reading_ends_it_and_commits_nothing_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as rig:
        rig.feed(*posts(0))
        await until(lambda: rig.offsets() == [0] and rig.idle)
        rig.producer.failure = ZeroDivisionError("a bug")
        rig.feed(*posts(1))
        with pytest.raises(ZeroDivisionError, match="a bug"):
            await rig.ended()
        assert not rig.path.ready
    assert rig.consumer.committed == {0: 1}
    assert "the worker stops because of a bug" in caplog.text
    assert rig.consumer.stopped == rig.producer.stopped == 1


class Cancelling(MediaLoader):
    """A loader whose pool is shut down under the posts that wait for it."""

    def submit(self, post: Post, received: float) -> Future[LoadedPost]:
        future: Future[LoadedPost] = Future()
        future.cancel()
        return future


async def test_a_post_that_somebody_cancels_ends_it_with_an_error() -> None:
    async with running(loader=Cancelling) as rig:
        rig.feed(with_url(0))
        # A CancelledError would pass for the end of a task that was told to end.
        with pytest.raises(RuntimeError, match=r"somebody cancelled .*_fetch"):
            await rig.ended()
    assert rig.consumer.committed == {}
