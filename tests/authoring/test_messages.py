"""What authors read, to the letter: of every policy in `broken`, and of one that is only odd.

Changed a message on purpose? `pytest tests/authoring/test_messages.py --snapshot-update`, then read
the difference as an author would.
"""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from moderator.authoring.findings import from_warnings, render
from moderator.authoring.warn import CODES, Lines, warn
from moderator.authoring.workbench import Workbench
from moderator.errors import PolicyError
from moderator.policy.load import load_policies

HERE = Path(__file__).parent
BROKEN = sorted(path.name for path in (HERE / "broken").glob("*.yaml"))


class TextFile(SingleFileSnapshotExtension):
    """A file for each test, to be read as it is."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def told(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(TextFile)


@pytest.mark.parametrize("name", BROKEN)
def test_everything_wrong_is_told_with_its_place_and_the_fix(
    name: str, told: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(HERE / "broken")
    with pytest.raises(PolicyError) as caught:
        load_policies([Path(name)])
    assert f"{caught.value}\n" == told


def test_everything_odd_is_told_with_its_place_and_the_fix(
    bench: Workbench, told: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(HERE)
    policies = load_policies([Path("odd.yaml")])
    warned = warn(policies, bench, Lines(narrow=0.9))
    assert {each.code for each in warned} == set(CODES)
    assert f"{render(from_warnings(warned, policies), 'text')}\n" == told
