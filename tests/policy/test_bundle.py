"""Policy sets on their way over the network."""

import json
from pathlib import Path

import pytest

from moderator.errors import PolicyError
from moderator.policy.bundle import Bundle, pack, unpack
from moderator.policy.load import load_policies
from tests.builders import a_policy, a_rule

SEA = a_rule("sea", violates=["blue sea"])


def test_a_bundle_holds_all_that_a_policy_was_made_of(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "_more.yaml").write_text(json.dumps({"rules": [SEA]}))
    (tmp_path / "sub" / "a.yaml").write_text(
        json.dumps(a_policy(a_rule(), include=["_more.yaml"], policy="a"))
    )
    (tmp_path / "b.yaml").write_text(json.dumps(a_policy(a_rule(), policy="b")))
    policies = load_policies([tmp_path / "sub", tmp_path / "b.yaml"])
    bundle = pack(policies)
    assert sorted(bundle.files) == ["b.yaml", "sub/_more.yaml", "sub/a.yaml"]
    assert unpack(bundle).digest == policies.digest


def test_errors_of_a_bundle_name_its_files_and_no_folder_of_ours() -> None:
    with pytest.raises(PolicyError) as caught:
        unpack(Bundle(("x/a.yaml",), {"x/a.yaml": "policy: a\nversoin: 1\n"}))
    assert str(caught.value).startswith("x/a.yaml:1:1: ")


@pytest.mark.parametrize("name", ["../a.yaml", "/tmp/a.yaml", "x/../../a.yaml", ""])
def test_a_bundle_cannot_write_outside_of_its_folder(name: str) -> None:
    with pytest.raises(PolicyError, match="lies outside of it"):
        unpack(Bundle((name,), {name: "policy: a\n"}))
