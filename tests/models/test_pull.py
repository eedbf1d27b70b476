"""Fetching from a hub that speaks the protocol, with the real client, in every trouble."""

import errno
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from moderator.errors import ModelError, TransientError
from moderator.models.folder import read_lock, read_sums
from moderator.models.hub import Hub
from moderator.models.pull import pull
from tests.models.conftest import CONFIG, WEIGHTS, an_entry
from tests.models.hub import HubServer

MODEL = "onnx/model.onnx"
LARGE = WEIGHTS * 24  # the client writes, and so resumes, in steps of 10 MiB
SHA = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "tiny"


def nothing_in_place(folder: Path) -> bool:
    """No folder, and no staged graph that could be taken for the model."""
    staged = folder.with_name(f".{folder.name}.partial") / MODEL
    return not folder.exists() and not staged.exists()


def test_only_the_files_named_are_fetched_and_checked(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    pulled = pull(an_entry(), hub, folder)
    assert (folder / "config.json").read_bytes() == CONFIG
    assert (folder / MODEL).read_bytes() == WEIGHTS
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        "SHA256SUMS",
        "config.json",
        "moderator.lock.yaml",
        MODEL,
    ]
    assert read_sums(folder) == {"config.json": hashlib.sha256(CONFIG).hexdigest(), MODEL: SHA}
    assert read_lock(folder) == pulled.lock
    assert pulled.fetched_bytes == len(CONFIG) + len(WEIGHTS)
    assert [p.name for p in folder.parent.iterdir()] == ["tiny"]


def test_a_model_that_is_here_asks_the_hub_nothing(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    pull(an_entry(), hub, folder)
    hub_server.seen.clear()
    assert pull(an_entry(), hub, folder).fetched_bytes == 0
    assert hub_server.seen == []


def test_what_a_models_files_do_not_say_stands_in_a_card_of_ours(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    pull(an_entry(), hub, folder)
    entry = an_entry(space={"prefix": "query: "})
    pull(entry, hub, folder)
    assert json.loads((folder / "space.json").read_text()) == {"prefix": "query: "}
    assert "space.json" in read_sums(folder)
    hub_server.seen.clear()
    assert pull(entry, hub, folder).fetched_bytes == 0
    assert hub_server.seen == []


def test_a_connection_that_is_cut_is_gone_on_with_where_it_broke(
    hub_server: HubServer, hub: Hub, folder: Path, waits: list[float]
) -> None:
    hub_server.files[MODEL] = LARGE
    hub_server.cut_after[MODEL] = [15 * 2**20]
    pull(an_entry(), hub, folder)
    assert (folder / MODEL).read_bytes() == LARGE
    ranges = [one.range for one in hub_server.seen if one.path == f"/cdn/{MODEL}"]
    assert ranges[0] is None
    assert ranges[-1] is not None
    assert 0 < int(ranges[-1].removeprefix("bytes=").removesuffix("-")) <= 15 * 2**20
    assert waits == [1.0]


def test_an_interrupted_pull_leaves_nothing_that_looks_whole_and_the_next_resumes(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    hub_server.files[MODEL] = LARGE
    hub_server.cut_after[MODEL] = [15 * 2**20, 1000, 1000, 1000]  # as often as it is asked
    with pytest.raises(TransientError, match="goes on where this one stopped"):
        pull(an_entry(), hub, folder)
    assert nothing_in_place(folder)
    hub_server.seen.clear()
    pull(an_entry(), hub, folder)
    assert (folder / MODEL).read_bytes() == LARGE
    [resumed] = [one.range for one in hub_server.seen if one.path == f"/cdn/{MODEL}"]
    assert resumed is not None
    assert f"/{an_entry().repository}/resolve/{'1' * 40}/config.json" not in hub_server.paths()


@pytest.mark.parametrize("file", ["config.json", MODEL])
def test_bytes_that_are_not_what_the_hub_states_are_refused_and_deleted(
    hub_server: HubServer, hub: Hub, folder: Path, file: str
) -> None:
    right = hub_server.files[file]
    hub_server.sends_instead[file] = right[:-1] + b"?"
    with pytest.raises(ModelError, match=f"{file} of .* is [0-9a-f]+, expected [0-9a-f]+"):
        pull(an_entry(), hub, folder)
    assert not folder.exists()
    assert not (folder.with_name(f".{folder.name}.partial") / file).exists()
    del hub_server.sends_instead[file]
    pull(an_entry(), hub, folder)
    assert (folder / file).read_bytes() == right


def test_a_hub_that_states_other_bytes_than_the_catalogue_is_not_asked_for_them(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    entry = an_entry(files={MODEL: {"sha256": "0" * 64}})
    with pytest.raises(ModelError, match=r"nothing was fetched: do not trust this source"):
        pull(entry, hub, folder)
    assert hub_server.paths() == [f"/api/models/{entry.repository}/revision/{'1' * 40}"]


def test_the_catalogues_checksum_holds_for_small_files_too(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    with pytest.raises(ModelError, match=r"config.json of .* expected 0000"):
        pull(an_entry(files={"config.json": {"sha256": "0" * 64}}), hub, folder)
    assert not folder.exists()


def test_a_file_the_revision_does_not_have_is_named(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    entry = an_entry(files={"onnx/vision_model.onnx": {}})
    with pytest.raises(ModelError, match=r"has no onnx/vision_model.onnx; .*--revision"):
        pull(entry, hub, folder)
    assert not folder.exists()


def test_a_file_that_vanishes_between_listing_and_fetching_is_named(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    hub_server.answers = [
        (f"resolve/{'1' * 40}/config.json", 404, {"X-Error-Code": "EntryNotFound"})
    ]
    with pytest.raises(ModelError, match=r"config.json of .*: no such file"):
        pull(an_entry(), hub, folder)


def test_an_unknown_repository_and_an_unknown_revision_are_named(hub: Hub, folder: Path) -> None:
    with pytest.raises(ModelError, match=r"some/other at 1111.*no such repository"):
        pull(an_entry(repository="some/other"), hub, folder)
    with pytest.raises(ModelError, match=r"someone/tiny at v9.*no such revision"):
        pull(an_entry(), hub, folder, "v9")


def test_a_busy_hub_is_given_the_time_it_asks_for(
    hub_server: HubServer, hub: Hub, folder: Path, waits: list[float]
) -> None:
    hub_server.answers = [("/api/", 429, {"Retry-After": "7"}), ("/api/", 503, {})]
    pull(an_entry(), hub, folder)
    assert waits == [7.0, 4.0]
    assert (folder / MODEL).read_bytes() == WEIGHTS


def test_a_hub_that_asks_for_too_long_a_wait_is_left_alone(
    hub_server: HubServer, hub: Hub, folder: Path, waits: list[float]
) -> None:
    hub_server.answers = [("/api/", 429, {"Retry-After": "3600"})]
    with pytest.raises(TransientError, match=r"HTTP 429\); it asks to wait 3600 s"):
        pull(an_entry(), hub, folder)
    assert waits == []


def test_a_hub_that_stays_broken_is_given_up_on(
    hub_server: HubServer, hub: Hub, folder: Path, waits: list[float]
) -> None:
    hub_server.answers = [("/api/", 500, {})] * 9
    with pytest.raises(TransientError, match=r"busy \(HTTP 500\); try again later"):
        pull(an_entry(), hub, folder)
    assert waits == [2.0, 4.0, 8.0]


def test_a_file_server_that_is_busy_for_a_moment_is_asked_again(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    hub_server.answers = [(f"/cdn/{MODEL}", 429, {}), ("resolve", 503, {})]
    pull(an_entry(), hub, folder)
    assert (folder / MODEL).read_bytes() == WEIGHTS


def test_no_network_is_said_in_words(folder: Path, waits: list[float]) -> None:
    nobody = Hub("http://127.0.0.1:1", sleep=waits.append)
    with pytest.raises(TransientError, match=r"127.0.0.1:1: no connection .* HF_ENDPOINT"):
        pull(an_entry(), nobody, folder)
    assert waits == [1.0, 2.0, 4.0]
    assert not folder.exists()


def test_a_password_of_a_mirror_is_not_shown(folder: Path, waits: list[float]) -> None:
    away = Hub("http://me:p%40ss@127.0.0.1:1/mirror", sleep=waits.append)
    with pytest.raises(TransientError, match=r"from http://127.0.0.1:1/mirror: ") as caught:
        away.snapshot("a/b", None)
    assert "p%40ss" not in str(caught.value)


def test_offline_a_model_that_is_here_is_fine_and_another_is_an_error(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    offline = Hub(hub_server.url, offline=True)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set"):
        pull(an_entry(), offline, folder)
    pull(an_entry(), hub, folder)
    hub_server.seen.clear()
    assert pull(an_entry(), offline, folder).fetched_bytes == 0
    assert hub_server.seen == []


def test_an_unpinned_model_is_pinned_by_its_first_pull_and_held_to(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    entry = an_entry(revision=None)
    first = pull(entry, hub, folder).lock
    assert (first.revision, first.pinned_by) == ("1" * 40, "the hub, on the first pull")
    hub_server.commit = "2" * 40
    hub_server.files[MODEL] = b"newer"
    assert pull(entry, hub, folder).lock == first
    assert (folder / MODEL).read_bytes() == WEIGHTS


def test_a_revision_asked_for_replaces_the_one_that_is_here(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    pull(an_entry(), hub, folder)
    hub_server.commit = "2" * 40
    hub_server.files[MODEL] = b"newer"
    lock = pull(an_entry(), hub, folder, "main").lock
    assert (lock.revision, lock.pinned_by) == ("2" * 40, "--revision")
    assert (folder / MODEL).read_bytes() == b"newer"
    assert [p.name for p in folder.parent.iterdir()] == ["tiny"]


def test_only_what_is_damaged_is_fetched_again(
    hub_server: HubServer, hub: Hub, folder: Path
) -> None:
    pull(an_entry(), hub, folder)
    (folder / "config.json").write_bytes(b"{}")
    hub_server.seen.clear()
    assert pull(an_entry(), hub, folder).fetched_bytes == len(CONFIG)
    assert (folder / "config.json").read_bytes() == CONFIG
    assert not [path for path in hub_server.paths() if MODEL in path]


def test_a_folder_that_is_not_ours_is_never_touched(hub: Hub, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match="not empty, and not made by `pull`"):
        pull(an_entry(), hub, folder)
    assert [p.name for p in folder.iterdir()] == ["thesis.txt"]


def test_a_folder_of_another_model_is_never_replaced(hub: Hub, folder: Path) -> None:
    pull(an_entry(), hub, folder)
    with pytest.raises(ModelError, match="holds someone/tiny"):
        pull(an_entry(repository="some/other"), hub, folder)


def test_too_little_room_is_seen_before_the_first_byte(
    hub_server: HubServer, hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder.parent.parent)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ModelError, match=r"1 MB are needed, 0 MB are free"):
        pull(an_entry(), hub, folder)
    assert not [path for path in hub_server.paths() if "resolve" in path]


def test_a_place_that_cannot_be_written_is_named(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match=r"file.*Not a directory; .*MODERATOR_MODELS_HOME"):
        pull(an_entry(), hub, tmp_path / "file" / "tiny")


def test_a_disk_that_fills_up_is_said_in_words(folder: Path) -> None:
    class FullDisk(Hub):
        """A hub whose answers find no room; a real full disk needs a file system of its own."""

        def _patiently(self, what: str, ask: Callable[[], object]) -> object:
            return super()._patiently(what, self._fail)

        def _fail(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", "model.onnx")

    with pytest.raises(ModelError, match="the disk is full; make room and pull again"):
        pull(an_entry(), FullDisk("http://127.0.0.1:1"), folder)


def test_the_token_goes_to_the_hub_and_nowhere_else(
    hub_server: HubServer, hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    pull(an_entry(), hub, folder)
    told = {one.authorization for one in hub_server.seen if not one.path.startswith("/cdn/")}
    assert told == {"Bearer hf_verysecret"}
    assert {one.authorization for one in hub_server.seen if one.path.startswith("/cdn/")} == {None}
    hub_server.answers = [("/api/", 401, {})]
    with pytest.raises(ModelError) as refused:
        pull(an_entry(), hub, folder.with_name("other"))
    written = "".join(p.read_text("latin-1") for p in folder.rglob("*") if p.is_file())
    shown = capfd.readouterr()
    for text in (str(refused.value), caplog.text, shown.out, shown.err, written):
        assert "verysecret" not in text


def test_what_comes_with_the_package_is_not_pulled(hub: Hub, folder: Path) -> None:
    bundled = an_entry(repository=None, revision=None, bundled="models/starter", files={})
    with pytest.raises(ModelError, match="nothing to pull"):
        pull(bundled, hub, folder)
