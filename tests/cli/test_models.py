"""`moderator models …` from arguments to exit code."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session

from moderator.models.catalogue import find
from moderator.models.folder import Lock, sha256, write_lock, write_sums
from tests.cli.running import Moderator
from tests.models import hub as protocol
from tests.models.hub import HubServer, serve

NAME = "clip-vit-l14"  # of the catalogue, and not pinned there


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for models, where nobody is asked for any."""
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "home"


@pytest.fixture
def run(moderator: Moderator, home: Path, monkeypatch: pytest.MonkeyPatch) -> Moderator:
    """Commands that find their models in `home`."""
    monkeypatch.setenv("MODERATOR_MODELS_HOME", str(home))
    return moderator


@pytest.fixture
def mirror(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A mirror that has the model, set as users set one."""
    entry = find(NAME)
    monkeypatch.setattr(protocol, "REPOSITORY", entry.repository)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with serve(HubServer(files={name: name.encode() for name in entry.files})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub
    close_session()


def test_the_list_says_what_is_here_and_what_is_pinned(run: Moderator) -> None:
    lines = run("models", "list").out.decode().splitlines()
    rows = {line.split()[0]: line for line in lines if line[:1].strip()}
    assert rows["starter"].endswith("pinned  here")
    assert rows[NAME].endswith("pinned by the first pull")


def test_the_list_as_json_has_everything(run: Moderator) -> None:
    rows = {row["name"]: row for row in json.loads(run("models", "list", "--json").out)}
    assert rows["starter"]["here"]
    assert not rows["clip-vit-b32"]["here"]
    assert rows["clip-vit-b32"]["pinned"]
    assert rows["clip-vit-b32"]["files"]["onnx/vision_model.onnx"]["bytes"] == 351_685_709


def test_a_model_is_pulled_from_a_mirror_by_its_name_and_then_is_here(
    run: Moderator, home: Path, mirror: HubServer
) -> None:
    ran = run("models", "pull", NAME)
    assert ran.code == 0
    assert ran.out.decode().strip() == str(home / NAME)
    assert "licence: MIT" in ran.err
    assert f"at {'1' * 40}, pinned by the hub, on the first pull" in ran.err
    assert f"{NAME} is here, every file checked" in run("models", "pull", NAME).err
    assert run("models", "verify", NAME).code == 0


def test_a_pull_that_cannot_be_says_why(run: Moderator, mirror: HubServer) -> None:
    del mirror.files["tokenizer.json"]
    ran = run("models", "pull", NAME)
    assert ran.code == 2
    assert "has no tokenizer.json" in ran.err
    assert run("models", "pull", "clip-vit-b23").code == 2


def test_offline_nobody_is_asked(run: Moderator) -> None:
    ran = run("models", "pull", "clip-vit-b32")
    assert ran.code == 2
    assert "HF_HUB_OFFLINE is set" in ran.err


def test_a_model_that_is_not_pulled_says_how(run: Moderator) -> None:
    ran = run("screen", "--models", "clip-vit-b32", "--policy", "policies/minimal.yaml", "-")
    assert ran.code == 2
    assert "not pulled yet: moderator models pull clip-vit-b32" in ran.err


def test_models_may_be_named(run: Moderator) -> None:
    given = b'{"id": "1", "text": "hello"}'
    ran = run(
        "screen", "--models", "starter", "--policy", "policies/minimal.yaml", "-", given=given
    )
    assert ran.code == 0
    assert json.loads(ran.out)["models"]["text"]["name"] == "starter"


def test_damage_is_named_with_digests_and_fix_and_ends_with_one(run: Moderator, home: Path) -> None:
    folder = home / "clip-vit-b32"
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(b"{}")
    write_sums(folder, {"config.json": sha256(folder / "config.json")})
    lock = Lock(model="clip-vit-b32", repository="a/b", revision="1" * 40, pinned_by="test")
    write_lock(folder, lock)
    assert run("models", "verify").code == 0
    (folder / "config.json").write_bytes(b"[]")
    ran = run("models", "verify")
    assert ran.code == 1
    assert f"{folder / 'config.json'}: sha256 is " in ran.err
    assert "fix: moderator models pull clip-vit-b32" in ran.err
    assert "models/starter: 7 files" in ran.out.decode()


def test_the_starter_is_shown_whole(run: Moderator) -> None:
    ran = run("models", "show", "starter")
    shown = " ".join(ran.out.decode().split())
    assert ran.code == 0
    for fact in (
        "licence research only",
        "input_ids int64 (batch, tokens), attention_mask int64 (batch, tokens)",
        "text_embeds float32 (batch, 384)",
        "opset 17",
        "precision int8",
        "runs on CPUExecutionProvider",
        "calibration of text 1,024 background embeddings, slope 1.3673, intercept -4.7631",
        "neutral prompt An ordinary post about everyday life.",
    ):
        assert fact in shown


def test_a_folder_that_does_not_load_is_shown_all_the_same(
    run: Moderator, starter: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(starter, tmp_path / "broken"))
    (folder / "space.json").write_text("{}")
    ran = run("models", "show", folder)
    assert ran.code == 1
    assert b"text_embeds" in ran.out
    assert "does not load: " in ran.err


def test_a_smaller_model_is_made_and_its_drift_told(run: Moderator, tmp_path: Path) -> None:
    ran = run("models", "optimize", "starter", "--to", tmp_path / "small")
    assert ran.code == 0
    assert b"onnx/vision_model.onnx" in ran.out
    assert run("models", "verify", tmp_path / "small").code == 0


def test_too_much_drift_ends_with_one(run: Moderator, shared: Path, tmp_path: Path) -> None:
    exact = shared / "fixtures/tiny-clip"  # fp32; the starter is as small as it gets
    ran = run("models", "optimize", exact, "--to", tmp_path / "small", "--max-drift", "1e-9")
    assert ran.code == 1
    assert "nothing was written" in ran.err
    assert not (tmp_path / "small").exists()
