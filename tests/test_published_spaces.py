"""Posts through `screen()` with encoders as they are published, alone and in pairs."""

import json
from pathlib import Path

import pytest

from moderator.app import Core, build_core
from moderator.encoders import background
from moderator.errors import ModelError
from moderator.posts import Media, Post
from moderator.settings import load_settings
from moderator.verdicts import Verdict
from tests.builders import a_policy, a_rule, picture


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small background of pictures, for speed."""
    monkeypatch.setattr(background, "_SUBJECTS", ("sunset", "gradient", "cat"))
    monkeypatch.setattr(background, "_DRAWINGS", 1)


@pytest.fixture
def policies(tmp_path: Path) -> tuple[Path]:
    rule = a_rule("fire", violates=["red fire in the street"], allows=["a photo of a cat"])
    path = tmp_path / "policy.yaml"
    path.write_text(json.dumps(a_policy(rule)), encoding="utf-8")
    return (path,)


def core_of(policies: tuple[Path], models: Path, text_models: Path | None = None) -> Core:
    return build_core(
        load_settings(
            {
                "policies": policies,
                "models": models,
                "text_models": text_models,
                "verdict_detail": "full",
                "provider": "cpu",
            }
        )
    )


def screened(core: Core, *posts: Post) -> list[Verdict]:
    return core.screener.screen(core.loader.load(posts, 0.0))


def both(text: str, colour: str = "red") -> Post:
    return Post(id="1", text=text, media=(Media(data=picture(colour)),))


@pytest.mark.parametrize(
    "name", ["tiny-clip", "tiny-clip-immich", "tiny-siglip", "tiny-siglip-immich"]
)
def test_a_published_folder_screens_posts(shared: Path, policies: tuple[Path], name: str) -> None:
    (verdict,) = screened(core_of(policies, shared / "fixtures" / name), both("red fire"))
    assert {report.status for report in verdict.modalities} == {"read"}
    assert set(verdict.rules[0].channels) == {"text", "image"}
    assert verdict.models["text"] == verdict.models["image"]
    assert verdict.models["text"].name == name


def test_a_text_encoder_and_a_dual_encoder_make_a_pair(
    shared: Path, starter: Path, policies: tuple[Path]
) -> None:
    images = shared / "fixtures/tiny-siglip"
    paired = core_of(policies, images, starter)
    posts = [both("red fire in the street"), both("a cat", "blue")]
    for post in posts:
        (found,) = screened(paired, post)
        (by_image,) = screened(core_of(policies, images), post)
        (by_text,) = screened(core_of(policies, starter), post)
        channels = found.rules[0].channels
        # Each channel scores as if alone in its own space, prompts and calibration included.
        assert channels["text"] == by_text.rules[0].channels["text"]
        assert channels["image"] == by_image.rules[0].channels["image"]
        assert found.models == {
            "text": by_text.models["text"],
            "image": by_image.models["image"],
        }
        assert found.models["text"] != found.models["image"]
        assert found.id not in {by_text.id, by_image.id}


def test_a_pair_without_images_is_refused(
    shared: Path, starter: Path, policies: tuple[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "texts"
    (folder / "onnx").mkdir(parents=True)
    source = shared / "fixtures/tiny-siglip"
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "onnx/text_model.onnx"):
        (folder / name).symlink_to(source / name)
    with pytest.raises(ModelError, match="reads no images, so with MODERATOR_TEXT_MODELS"):
        core_of(policies, folder, starter)


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("tiny-clip", "<|endoftext|>"),
        ("tiny-clip-immich", "<|endoftext|>"),
        ("tiny-siglip", "</s>"),
        ("tiny-siglip", "<pad>"),
    ],
)
def test_what_stands_behind_a_special_token_still_counts(
    shared: Path, policies: tuple[Path], name: str, token: str
) -> None:
    core = core_of(policies, shared / "fixtures" / name)
    harmless, harmful, other = screened(
        core,
        Post(id="1", text=f"a photo of a cat {token}"),
        Post(id="2", text=f"a photo of a cat {token} red fire in the street"),
        Post(id="3", text=f"a photo of a cat {token} a small bird"),
    )
    margins = [verdict.rules[0].channels["text"].margin for verdict in (harmless, harmful, other)]
    assert len(set(margins)) == 3


def test_a_text_of_more_windows_than_are_read_goes_to_review_and_says_so(
    shared: Path, policies: tuple[Path]
) -> None:
    core = core_of(policies, shared / "fixtures/tiny-clip")
    long = "\U0001f600" * 5_000 + "\u4f60" * 14_000  # some tokens for each of its 19,000 characters
    cut, whole = screened(core, Post(id="1", text=long), Post(id="2", text="a cat"))
    (report,) = [report for report in cut.modalities if report.status == "truncated"]
    assert (report.channel, report.code) == ("text", "text_too_long")
    assert report.reason is not None
    assert report.reason.startswith("read the first 128 of ")
    assert report.reason.endswith(" windows of tiny-clip")
    assert cut.action != "allow"
    assert [report.status for report in whole.modalities] == ["read", "missing"]
