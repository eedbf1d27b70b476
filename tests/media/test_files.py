import os
import ssl
from pathlib import Path

import pytest

from moderator.errors import MediaError
from moderator.media.fetch import Fetcher, FetchLimits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "sub dir").mkdir(parents=True)
    (root / "sub dir" / "ä.jpg").write_bytes(b"inside")
    (tmp_path / "rootless").mkdir()
    (tmp_path / "rootless" / "a.jpg").write_bytes(b"outside")
    return root


def read(url: str, root: Path | None, max_bytes: int = 100) -> bytes:
    limits = FetchLimits(file_root=root, max_bytes=max_bytes)
    with Fetcher(limits, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as fetcher:
        return fetcher.fetch(url)


def refused(url: str, root: Path | None) -> str:
    with pytest.raises(MediaError) as caught:
        read(url, root)
    return caught.value.code


def test_files_inside_the_root_are_read(root: Path) -> None:
    path = root / "sub dir" / "ä.jpg"
    assert read(path.as_uri(), root) == b"inside"
    assert read(f"FILE://localhost{path}", root) == b"inside"


def test_without_a_root_no_file_is_read(root: Path) -> None:
    assert refused((root / "sub dir" / "ä.jpg").as_uri(), None) == "url_refused"


@pytest.mark.parametrize(
    "path",
    ["../rootless/a.jpg", "%2e%2e/rootless/a.jpg", "sub dir/../../rootless/a.jpg", "..", "../none"],
)
def test_paths_out_of_the_root_are_refused_whether_they_exist_or_not(root: Path, path: str) -> None:
    assert refused(f"file://{root}/{path}", root) == "url_refused"
    assert refused("file:///etc/passwd", root) == "url_refused"


def test_symbolic_links_out_of_the_root_are_refused(root: Path) -> None:
    (root / "link.jpg").symlink_to(root.parent / "rootless" / "a.jpg")
    (root / "folder").symlink_to(root.parent / "rootless")
    (root / "loop").symlink_to(root / "loop")
    assert refused((root / "link.jpg").as_uri(), root) == "url_refused"
    assert refused((root / "folder" / "a.jpg").as_uri(), root) == "url_refused"
    assert refused((root / "loop").as_uri(), root) in {"url_refused", "media_gone"}


def test_symbolic_links_inside_the_root_are_followed(root: Path) -> None:
    (root / "link.jpg").symlink_to(root / "sub dir" / "ä.jpg")
    assert read((root / "link.jpg").as_uri(), root) == b"inside"


def test_the_root_may_be_a_symbolic_link_itself(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert read(f"file://{link}/sub dir/ä.jpg", link) == b"inside"


def test_what_is_no_plain_file_is_refused(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert refused((root / "pipe").as_uri(), root) == "url_refused"
    assert refused((root / "sub dir").as_uri(), root) in {"url_refused", "media_gone"}


@pytest.mark.parametrize("url", ["file://other.example/a.jpg", "file:///a%00b", "file://[/"])
def test_malformed_urls_are_refused(root: Path, url: str) -> None:
    assert refused(url, root) == "url_refused"


def test_a_missing_file_is_gone(root: Path) -> None:
    assert refused((root / "none.jpg").as_uri(), root) == "media_gone"


def test_a_file_over_the_limit_is_too_large(root: Path) -> None:
    url = (root / "sub dir" / "ä.jpg").as_uri()
    assert read(url, root, max_bytes=6) == b"inside"
    with pytest.raises(MediaError) as caught:
        read(url, root, max_bytes=5)
    assert caught.value.code == "media_too_large"
