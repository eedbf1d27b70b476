from pathlib import Path

import numpy as np
import pytest

from moderator.cache.disk import DiskCache, user_cache
from tests.cache.conftest import hits


def vectors(*names: str) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    return {name: np.array([len(name), 1], np.float32) for name in names}


def test_a_second_process_finds_what_the_first_put(tmp_path: Path) -> None:
    first = DiskCache(tmp_path / "deep" / "cache.sqlite")
    first.put(vectors("one", "three"))
    first.close()
    (found, missing) = DiskCache(tmp_path / "deep" / "cache.sqlite").get(["three", "four"])
    assert found is not None
    assert found.tolist() == [5, 1]
    assert missing is None


def test_the_oldest_are_forgotten_beyond_the_capacity(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache.sqlite", capacity=2)
    for name in ("one", "two", "three"):
        cache.put(vectors(name))
    assert hits(cache, "one", "two", "three") == [False, True, True]


def test_many_keys_are_asked_for_at_once(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache.sqlite")
    names = [str(number) for number in range(2500)]
    cache.put(vectors(*names))
    assert all(hits(cache, *names))


def test_a_file_that_is_no_cache_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"not a database" * 1000)
    cache = DiskCache(path)
    cache.put(vectors("one"))
    assert hits(cache, "one") == [False]
    assert not cache.healthy


def test_a_folder_that_cannot_be_made_is_an_empty_cache(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = DiskCache(tmp_path / "file" / "cache.sqlite")
    cache.put(vectors("one"))
    assert (hits(cache, "one"), cache.healthy) == ([False], False)


def test_it_lies_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert user_cache() == Path("/somewhere/moderator/vectors.sqlite")
