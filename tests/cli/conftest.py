"""Commands run as a user runs them, in this process."""

import io
import sys
from pathlib import Path

import pytest

from moderator.cli import main
from moderator.cli.shared import err, out
from moderator.settings import PREFIX, Settings
from tests.cli.running import Moderator, Ran


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache folder that all tests share, so that prompts are embedded once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def moderator(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], cache_home: Path
) -> Moderator:
    """Return a function that runs a command with these arguments and this standard input."""
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    for console in (out, err):  # made before that, they keep what xdist tells its processes
        monkeypatch.setattr(console, "_width", 200)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))

    def run(*arguments: object, given: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["moderator", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(SystemExit) as ended:
            main()
        printed, complained = capsysbinary.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else int(bool(code)), printed, complained.decode())

    return run
