"""A small policy file to break, and what an author reads then."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from moderator.errors import PolicyError
from moderator.policy.load import load_policies

HEAD = """\
policy: community
version: 1
rules:
"""
RULE = """\
  - id: hate
    title: Hate
    severity: high
    action: block
    threshold: 0.8
    violates: [They are all vermin.]
"""

Complain = Callable[[str], str]


@pytest.fixture
def complain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Complain:
    """What loading a file of this text says."""
    monkeypatch.chdir(tmp_path)

    def message(text: str) -> str:
        Path("a.yaml").write_text(dedent(text), encoding="utf-8")
        with pytest.raises(PolicyError) as caught:
            load_policies([Path("a.yaml")])
        return str(caught.value)

    return message
