"""Search across modalities."""

from moderator.authoring.workbench import Workbench
from moderator.console.workshop.recent import RecentPosts
from moderator.console.workshop.similar import Found, ask, search
from tests.builders import picture


def found_by(
    recent: RecentPosts, bench: Workbench, text: str | None, image: bytes | None
) -> list[str]:
    store = recent.snapshot()
    found = search(store, bench, ask(bench, text, image), 3)
    return [store.posts[each.place].id for each in found]


def test_a_sentence_finds_texts_and_images(recent: RecentPosts, bench: Workbench) -> None:
    assert set(found_by(recent, bench, "red", None)) == {"fire", "fire-2", "red-picture"}


def test_an_image_finds_texts_and_images(recent: RecentPosts, bench: Workbench) -> None:
    found = found_by(recent, bench, None, picture("blue"))
    assert set(found) == {"blue-picture", "both", "sea"}


def test_a_post_is_found_once_by_the_reading_that_is_nearest(
    recent: RecentPosts, bench: Workbench
) -> None:
    store = recent.snapshot()
    found = search(store, bench, ask(bench, "blue", None), 10)
    places = [each.place for each in found]
    assert len(set(places)) == len(places) == len(store.posts)
    both = next(each for each in found if store.posts[each.place].id == "both")
    assert isinstance(both, Found)
    assert both.channel == "image"  # a blue picture is nearer to `blue` than `blue sky` is


def test_what_cannot_be_read_asks_nothing(bench: Workbench) -> None:
    assert not ask(bench, None, b"no image")
    assert not ask(bench, "  ", None)
