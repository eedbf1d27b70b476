"""The catalogue that ships, and what a mistake in one of its files says."""

import tomllib
from pathlib import Path

import pytest

from moderator.errors import ModelError
from moderator.models.catalogue import Entry, find, load_catalogue
from moderator.settings import bundled

GOOD = """
name: tiny
title: Tiny
family: clip
repository: someone/tiny
channels: [text]
dimensions: 8
text_window_tokens: 77
languages: [en]
megabytes: 1
licence: {name: MIT, link: https://example.org}
good_for: tests
files: {config.json: {}}
"""


def read(tmp_path: Path, text: str) -> None:
    (tmp_path / "tiny.yaml").write_text(text)
    load_catalogue(tmp_path)


def test_the_catalogue_has_the_families_people_use() -> None:
    entries = load_catalogue()
    assert {entry.family for entry in entries.values()} == {
        "starter",
        "clip",
        "siglip",
        "mobileclip",
        "sentence",
    }
    assert list(entries) == sorted(entries)


def test_every_file_of_the_catalogue_goes_into_the_wheel() -> None:
    top = bundled("models").parent
    wheel = tomllib.loads((top / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    included = wheel["wheel"]["force-include"]
    for path in (top / "models").glob("*.yaml"):
        name = f"models/{path.name}"
        assert included.get(name) == f"moderator/_data/{name}"


@pytest.mark.parametrize("entry", load_catalogue().values(), ids=lambda entry: entry.name)
def test_sizes_of_an_entry_agree(entry: Entry) -> None:
    known = [file.bytes for file in entry.files.values() if file.bytes]
    assert sum(known) <= entry.megabytes * 1e6 * 1.01
    graphs = [file.bytes for name, file in entry.files.items() if name.endswith(".onnx")]
    if graphs and all(graphs):
        assert sum(known) >= entry.megabytes * 1e6 * 0.99


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("dimensions: 8", "dimensions: none"), "tiny.yaml: dimensions: Input should be a valid"),
        (("good_for: tests", ""), "tiny.yaml: good_for: Field required"),
        (("good_for", "godo_for"), "tiny.yaml: godo_for: Extra inputs are not permitted"),
        (("config.json: {}", "config.json: {sha256: abc}"), "tiny.yaml: files.config.json.sha256"),
        (("config.json", "../etc/passwd"), "tiny.yaml: files: '../etc/passwd' leads out"),
        (("config.json", "/etc/passwd"), "tiny.yaml: files: '/etc/passwd' leads out"),
        (("repository: someone/tiny", ""), "give either `repository` or `bundled`"),
        (("files: {config.json: {}}", ""), "a model of the hub needs `files`"),
        (("name: tiny", "name: other"), "tiny.yaml: name: is 'other'; it must be that of the file"),
        (("title: Tiny", "title: [Tiny"), "tiny.yaml: not YAML"),
        (("title: Tiny", "revision: main"), "tiny.yaml: revision: String should match"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(
    tmp_path: Path, change: tuple[str, str], problem: str
) -> None:
    read(tmp_path, GOOD)
    with pytest.raises(ModelError) as raised:
        read(tmp_path, GOOD.replace(*change))
    assert problem in str(raised.value)


def test_all_mistakes_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as raised:
        read(tmp_path, GOOD.replace("dimensions: 8", "dimensions: 0").replace("title: Tiny", ""))
    assert len(str(raised.value).splitlines()) == 2


def test_a_name_that_is_not_there_gets_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"'clip-vit-b23' .*did you mean clip-vit-b32 or "):
        find("clip-vit-b23")
