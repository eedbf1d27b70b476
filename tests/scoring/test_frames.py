"""One frame among many, and frames in a row."""

from dataclasses import replace

import numpy as np
import pytest

from moderator.scoring.frames import lasting_margin, smooth
from moderator.scoring.score import Readings


def readings(
    margins: list[float], seconds: list[float | None], media: list[str] | None = None
) -> Readings:
    """Readings of one post, one dimension: their margins along (1,) are their values."""
    vectors = np.array(margins, np.float32)[:, None]
    owners = np.zeros(len(margins), np.intp)
    names = media or ["clip"] * len(margins)
    uses = tuple(map(list(dict.fromkeys(names)).index, names))
    return Readings(vectors, owners, tuple(names), tuple(seconds), uses)


def lasting(given: Readings) -> float | None:
    margins = given.vectors[:, 0]
    return lasting_margin(given, slice(0, len(margins)), margins, int(margins.argmax()))


def test_a_flash_does_not_last_and_a_scene_does() -> None:
    times: list[float | None] = [0.0, 1.0, 2.0, 3.0, 4.0]
    assert lasting(readings([0, 0, 0.9, 0, 0], times)) == pytest.approx(0.3)
    assert lasting(readings([0, 0.9, 0.9, 0.9, 0], times)) == pytest.approx(0.9)
    assert lasting(readings([0.9, 0.9, 0.9, 0, 0], times)) == pytest.approx(0.9)


def test_fewer_than_three_frames_are_all_in_a_row() -> None:
    assert lasting(readings([0.2, 0.4], [0.0, 1.0])) == pytest.approx(0.3)
    assert lasting(readings([0.4], [0.0])) == pytest.approx(0.4)


def test_a_still_image_does_not_last_or_pass() -> None:
    assert lasting(readings([0.4], [None])) is None
    assert lasting(readings([0.4, 0.1, 0.1], [None, 0.0, 1.0], ["a", "b", "b"])) is None


def test_only_the_medium_that_decided_counts_and_of_its_views_only_frames() -> None:
    given = readings(
        [0.3, 0.9, 0.3, 0.8, 0.0],
        [0.0, 1.0, 2.0, None, 0.0],  # the fourth: the clip's first frame on white
        ["clip", "clip", "clip", "clip", "other"],
    )
    assert lasting(given) == pytest.approx(0.5)


def test_a_long_frame_in_parts_counts_by_its_worst() -> None:
    given = readings([0, 0.9, 0, 0.6, 0.3, 0], [0.0, 0.0, 1.0, 1.0, 2.0, 2.0])
    assert lasting(given) == pytest.approx(0.6)


def test_smoothing_takes_the_mean_of_three_frames_in_a_row_and_leaves_still_images() -> None:
    given = readings([0.9, 0, 0, 0.6, 0.5], [0.0, 1.0, 2.0, 3.0, None])
    assert smooth(given).vectors[:, 0].tolist() == pytest.approx([0.3, 0.3, 0.2, 0.2, 0.5])
    assert given.vectors[0, 0] == pytest.approx(0.9)


def test_smoothing_keeps_parts_of_frames_and_media_apart() -> None:
    given = readings(
        [0.9, 0, 0.3, 0, 0.8],
        [0.0, 0.0, 1.0, 1.0, 0.0],
        ["clip", "clip", "clip", "clip", "other"],
    )
    assert smooth(given).vectors[:, 0].tolist() == pytest.approx([0.6, 0, 0.6, 0, 0.8])


def test_two_films_of_a_post_are_two_though_they_have_one_name() -> None:
    given = readings([0.9, 0.9, 0, 0], [0.0, 1.0, 0.0, 1.0], ["harm", "harm", "harm", "harm"])
    two = replace(given, uses=(0, 0, 1, 1))
    assert smooth(two).vectors[:, 0].tolist() == pytest.approx([0.9, 0.9, 0, 0])
    assert lasting(two) == pytest.approx(0.9)


def test_a_frame_with_fewer_views_than_the_next_is_smoothed_with_it() -> None:
    """The second frame is transparent: as it is stored, on white, on black."""
    given = readings([0.6, 0, 0.9, 0.3], [0.0, 1.0, 1.0, 1.0])
    assert smooth(given).vectors[:, 0].tolist() == pytest.approx([0.3, 0.3, 0.75, 0.45])
