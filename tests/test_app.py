"""The parts as the composition root wires them."""

import io
from pathlib import Path

import pytest
from PIL import Image

from moderator.app import build_cache, build_core
from moderator.cache.memory import MemoryCache
from moderator.cache.tiered import TieredCache
from moderator.encoders.base import Space
from moderator.encoders.fake import fake_space
from moderator.errors import MediaError, ModelError, PolicyError, SettingsError
from moderator.media.prepare import LocalDecoder
from moderator.media.processes import DecoderProcesses
from moderator.posts import Media, Post
from moderator.settings import load_settings
from tests.builders import picture
from tests.services.process import free_port
from tests.written import page, png


def test_a_core_screens_posts_by_the_policies_it_was_given(
    policies_file: Path, space: Space
) -> None:
    core = build_core(load_settings({"policies": (policies_file,)}), space)
    posts = [
        Post(id="1", text="red fire"),
        Post(id="2", media=(Media(data=picture("red")), Media(data=picture("blue")))),
        Post(id="3", text="tomatoes"),
    ]
    verdicts = core.screener.screen(core.loader.load(posts, 0.0))
    assert [verdict.action for verdict in verdicts] == ["block", "block", "allow"]
    assert core.rules.ids == ("test/fire",)


def test_an_edit_between_the_reading_of_policies_and_the_first_post_is_not_missed(
    policies_file: Path, space: Space
) -> None:
    core = build_core(load_settings({"policies": (policies_file,)}), space)
    policies_file.write_text(policies_file.read_text() + "# edited while the worker warms up\n")
    assert [core.policy_files.have_changed() for _ in range(2)] == [False, True]


def test_limits_and_detail_are_those_of_the_settings(policies_file: Path, space: Space) -> None:
    limits = {"max_text_characters": 4, "max_media": 1, "media_max_pixels": 5}
    core = build_core(
        load_settings({"policies": (policies_file,), "verdict_detail": "full", **limits}), space
    )
    image = Media(data=picture("blue"))
    post = Post(id="1", text="tomatoes", media=(image, image))
    (verdict,) = core.screener.screen(core.loader.load([post], 0.0))
    assert {report.code for report in verdict.modalities if report.code} == {
        "text_too_long",
        "too_many_media",
        "image_too_large",
    }
    assert len(verdict.rules) == 1


def test_media_may_come_only_from_where_the_settings_allow(
    policies_file: Path, space: Space, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(picture("red"))
    post = Post(id="1", media=(Media(url=(tmp_path / "a.png").as_uri()),))
    given = {"policies": (policies_file,)}
    closed, opened = (
        build_core(load_settings(given | more), space).loader.load([post], 0.0)[0].attachments[0]
        for more in ({}, {"media_file_root": tmp_path})
    )
    assert isinstance(closed, MediaError)
    assert opened == picture("red")


def test_a_wrong_policy_is_told_before_models_are_loaded(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    with pytest.raises(PolicyError):
        build_core(load_settings({"policies": (nowhere,), "models": nowhere}))


def test_models_that_are_not_there_are_an_error(policies_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        build_core(load_settings({"policies": (policies_file,), "models": tmp_path / "nowhere"}))


def test_embeddings_are_kept_in_memory_and_behind_it_in_redis_where_one_is_set() -> None:
    assert isinstance(build_cache(load_settings({"redis": ""})), MemoryCache)
    url = f"redis://127.0.0.1:{free_port()}/0"
    assert isinstance(build_cache(load_settings({"redis": url})), TieredCache)


def test_attachments_are_remembered_unless_that_is_switched_off(
    policies_file: Path, space: Space
) -> None:
    post = Post(id="1", media=(Media(data=picture("red")),))
    given = {"policies": (policies_file,)}
    core = build_core(load_settings(given), space)
    for _ in range(2):
        core.screener.screen(core.loader.load([post], 0.0))
    assert core.seen is not None
    assert core.seen.counts == (1, 1)
    assert build_core(load_settings(given | {"media_cache_bytes": 0}), space).seen is None


def test_a_core_starts_without_the_redis_that_is_set(policies_file: Path, space: Space) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    core = build_core(load_settings({"policies": (policies_file,), "redis": url}), space)
    assert not core.cache.healthy
    assert core.rules.ids == ("test/fire",)


def test_a_redis_url_that_is_none_is_a_wrong_setting(policies_file: Path, space: Space) -> None:
    with pytest.raises(SettingsError, match="Redis URL is malformed"):
        build_core(load_settings({"policies": (policies_file,), "redis": "localhost:6379"}), space)


@pytest.mark.parametrize(("processes", "kind"), [(0, LocalDecoder), (2, DecoderProcesses)])
def test_media_are_decoded_where_the_settings_say(
    policies_file: Path, space: Space, processes: int, kind: type[LocalDecoder | DecoderProcesses]
) -> None:
    given = {
        "policies": (policies_file,),
        "decoder_processes": processes,
        "media_truncated": "read",
    }
    core = build_core(load_settings(given), space)
    assert isinstance(core.decoder, kind)
    cut = noisy_jpeg()[:-1000]
    posts = [
        Post(id="1", media=(Media(data=picture("red")),)),
        Post(id="2", media=(Media(data=cut),)),
    ]
    verdicts = core.screener.screen(core.loader.load(posts, 0.0))
    assert [verdict.action for verdict in verdicts] == ["block", "review"]
    assert verdicts[1].modalities[-1].code == "image_truncated"
    core.decoder.close()


def noisy_jpeg() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((128, 128), 90).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def test_a_frame_that_does_not_last_counts_less_where_that_is_set(
    policies_file: Path, space: Space
) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("blue", "red", "blue", "white")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    post = Post(id="1", media=(Media(data=file.getvalue()),))
    actions = {}
    for vote in ("max", "smoothed"):
        given = {"policies": (policies_file,), "decoder_processes": 0, "media_frames_vote": vote}
        core = build_core(load_settings(given), space)
        (verdict,) = core.screener.screen(core.loader.load([post], 0.0))
        actions[vote] = verdict.action
    assert actions == {"max": "block", "smoothed": "allow"}


def test_text_in_images_is_read_where_that_is_set(policies_file: Path, space: Space) -> None:
    read = {"policies": (policies_file,), "decoder_processes": 0}
    core = build_core(load_settings(read | {"ocr": "on"}), space)
    content = png(page("red fire"))
    loaded = core.loader.inline(Post(id="1", media=(Media(data=content),)), 0.0)
    for _ in range(2):  # decoded, and then seen before
        (verdict,) = core.screener.screen([loaded])
        (rule,) = verdict.rules
        assert rule.channels["ocr"].nearest == "red fire"
    assert core.seen is not None
    assert core.seen.counts == (1, 1)
    assert set(build_core(load_settings(read), space).channels) == {"text", "image"}


def test_reading_text_in_images_without_its_extra_is_an_error_that_names_it(
    policies_file: Path, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install 'moderator\[ocr\]'"):
        build_core(load_settings({"policies": (policies_file,), "ocr": "on"}), space)


def test_reading_text_in_images_with_models_that_read_none_is_an_error(
    policies_file: Path,
) -> None:
    settings = load_settings({"policies": (policies_file,), "ocr": "on"})
    with pytest.raises(ModelError, match="reads no images, so MODERATOR_OCR=on"):
        build_core(settings, fake_space(images=False))
