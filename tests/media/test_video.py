"""Videos, as far as a few frames tell."""

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderator.encoders.fake import FakeImageEncoder
from moderator.errors import MediaError
from moderator.media.decode import DecodeLimits
from moderator.media.formats import is_video
from moderator.media.video import video_views
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from tests.builders import a_decoder, a_rule, a_screener, compiled, crossed, screen_one
from tests.media.films import claiming, film, sound, two_tracks

NAMES = {(255, 0, 0): "red", (0, 255, 0): "lime", (0, 0, 255): "blue", (255, 255, 255): "white"}
KINDS = [("mp4", "mpeg4"), ("mp4", "h264"), ("webm", "vp8"), ("webm", "vp9")]


def colours(content: bytes, **limits: Any) -> list[str]:
    found = []
    for view in video_views(content, DecodeLimits(**limits)):
        middle = np.asarray(view.image)[24, 32].astype(int)
        found.append(min(NAMES, key=lambda rgb: np.abs(np.array(rgb) - middle).sum()))
    return [NAMES[rgb] for rgb in found]


def refused(content: bytes, **limits: Any) -> MediaError:
    with pytest.raises(MediaError) as caught:
        list(video_views(content, DecodeLimits(**limits)))
    return caught.value


@pytest.mark.parametrize(("container", "codec"), KINDS)
@pytest.mark.parametrize("keyframe_every", [1, 100])
def test_frames_are_spread_over_the_film(container: str, codec: str, keyframe_every: int) -> None:
    content = film(
        ["red"] * 10 + ["lime"] * 10 + ["blue"] * 10 + ["white"] * 10,
        *(container, codec, keyframe_every),
    )
    assert is_video(content)
    assert colours(content, frames=4) == ["red", "lime", "blue", "white"]
    times = [view.seconds for view in video_views(content, DecodeLimits(frames=4))]
    assert times == pytest.approx([0, 1, 2, 3], abs=0.11)


def test_the_budget_is_kept_and_no_frame_is_seen_twice() -> None:
    content = film(["red", "blue"] * 20)
    for budget in (1, 2, 7, 100):
        times = [view.seconds for view in video_views(content, DecodeLimits(frames=budget))]
        assert len(times) == len(set(times)) == min(budget, 40)


def test_a_verdict_says_which_frame_decided_and_whether_it_lasts() -> None:
    screener = a_screener(compiled(a_rule(violates=["white"])))
    flash = film(["blue"] * 10 + ["white"] * 5 + ["blue"] * 25)  # of eight frames looked at, one
    scene = film(["blue"] * 10 + ["white"] * 30)
    by_film = {}
    for name, content in {"flash": flash, "scene": scene}.items():
        post = Post(id="1", media=(Media(id="clip", type="video/mp4", data=content),))
        verdict = screen_one(LoadedPost(post, (content,)), screener)
        by_film[name] = verdict.rules[0].channels["image"]
        assert (verdict.action, crossed(verdict)) == ("block", ["fire"])
        assert by_film[name].media == "clip"
        assert by_film[name].seconds == pytest.approx(1.0)
    assert by_film["flash"].score == by_film["scene"].score
    assert by_film["flash"].lasting is not None
    assert by_film["flash"].lasting < 0.5 * by_film["flash"].score
    assert by_film["scene"].lasting == pytest.approx(by_film["scene"].score, abs=0.01)


def test_a_video_that_ends_early_is_read_as_far_as_it_goes_or_refused() -> None:
    content = film(["red"] * 40, "webm", "vp8")
    assert set(colours(content[: len(content) // 2], frames=4)) == {"red"}
    assert refused(film(["red"] * 40)[:200]).code == "video_corrupt"


@pytest.mark.parametrize("units", [1, 0, 2**31 - 1])
@pytest.mark.parametrize(("container", "codec"), [("mp4", "mpeg4"), ("webm", "vp8")])
def test_what_a_header_says_of_the_length_hides_nothing(
    container: str, codec: str, units: int
) -> None:
    content = film(["red"] * 10 + ["lime"] * 10 + ["blue"] * 10 + ["white"] * 10, container, codec)
    lying = claiming(content, units)
    assert lying != content
    assert set(colours(lying, frames=8)) == {"red", "lime", "blue", "white"}
    assert len(colours(lying, frames=8)) == 8


def cut_short(content: bytes, **limits: Any) -> bool:
    return any(view.truncated for view in video_views(content, DecodeLimits(**limits)))


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_a_film_whose_keyframes_are_too_rare_is_said_to_be_seen_in_part(codec: str) -> None:
    scenes = ["red"] * 250 + ["white"] * 50
    assert not cut_short(film(scenes, "mp4", codec, 30), frames=8)
    assert colours(film(scenes, "mp4", codec, 300), frames=8)[-1] == "white"
    assert not cut_short(film(scenes, "mp4", codec, 300), frames=8)
    assert cut_short(film(["red"] * 900, "mp4", codec, 900), frames=4)


def test_a_post_whose_film_is_seen_in_part_goes_to_review_and_says_so() -> None:
    content = film(["blue"] * 900, "mp4", "mpeg4", 900)
    decoder = a_decoder(FakeImageEncoder(), frames=4)
    post = Post(id="1", media=(Media(type="video/mp4", data=content),))
    verdict = screen_one(LoadedPost(post, (content,)), a_screener(decoder=decoder))
    report = verdict.modalities[-1]
    assert (verdict.action, report.channel, report.code) == ("review", "image", "video_truncated")
    assert "video" in (report.reason or "")


def test_a_film_with_fewer_frames_than_are_looked_at_is_seen_whole() -> None:
    for frames in (1, 2, 7):
        content = film(["red"] * frames)
        assert len(colours(content, frames=8)) == frames
        assert not cut_short(content, frames=8)


def test_a_frame_that_lasts_long_does_not_take_the_place_of_the_others() -> None:
    content = film(["red"] * 10 + ["white"] * 10, moments=[*range(19), 10_000])
    assert colours(content, frames=4) == ["red", "red", "white", "white"]
    assert not cut_short(content, frames=4)


def test_a_film_with_two_tracks_of_pictures_is_refused() -> None:
    error = refused(two_tracks("red", "white"))
    assert (error.code, "2 tracks" in str(error)) == ("format_refused", True)


def test_a_film_without_pictures_is_refused() -> None:
    assert refused(sound()).code == "video_corrupt"


def test_a_codec_that_is_not_on_the_list_is_refused() -> None:
    error = refused(film(["red"] * 4, "matroska", "ffv1"))
    assert (error.code, "ffv1" in str(error)) == ("format_refused", True)


def test_pixels_are_limited_before_anything_is_decoded() -> None:
    assert refused(film(["red"] * 4), max_pixels=64 * 48 - 1).code == "image_too_large"


def test_without_the_extra_the_post_goes_to_review_and_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imported = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return imported(name, *rest)

    content = film(["red"] * 4)
    monkeypatch.setattr(builtins, "__import__", refuse)
    post = Post(id="1", media=(Media(type="video/mp4", data=content),))
    verdict = screen_one(LoadedPost(post, (content,)))
    report = verdict.modalities[-1]
    assert (verdict.action, report.channel, report.code) == ("review", "image", "video_unsupported")
    assert "'.[video]'" in (report.reason or "")


OUTCOMES = {"read", "video_corrupt", "image_too_large", "format_refused"}


def outcome(content: bytes) -> str:
    try:
        list(video_views(content, DecodeLimits()))
    except MediaError as error:
        return error.code
    return "read"


@given(st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=8)), max_size=4))
@settings(max_examples=60, deadline=None)
def test_no_change_to_a_film_raises_anything_else(changes: Sequence[tuple[float, bytes]]) -> None:
    for content in SEEDS:
        altered = bytearray(content)
        for share, replacement in changes:
            at = int(share * len(altered))
            altered[at : at + len(replacement)] = replacement
        assert outcome(bytes(altered)) in OUTCOMES


SEEDS = [film(["red", "blue"] * 5), film(["red", "blue"] * 5, "webm", "vp8")]
