"""Whatever a file holds, it loads or there is a PolicyError."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from moderator.errors import PolicyError
from moderator.policy.defaults import Defaults
from moderator.policy.load import load_policies
from moderator.policy.schema import Policy, Rule

KEYS = sorted({*Policy.model_fields, *Rule.model_fields, *Defaults.model_fields})
JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=4) | st.sampled_from(KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
anything_goes = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@anything_goes
@given(text=st.text(alphabet=st.sampled_from("ab:-&*[]{}<>|!%@#'\"\\\n\t 0.,?~") | st.characters()))
def test_any_text_loads_or_raises_a_policy_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(PolicyError):
        load_policies([file])


@anything_goes
@given(head=JUNK, rule=JUNK)
def test_any_junk_loads_or_raises_a_policy_error(
    tmp_path: Path, head: object, rule: object
) -> None:
    policy = {"policy": "a", "version": 1, **(head if isinstance(head, dict) else {"x": head})}
    policy.setdefault("rules", [rule, rule])
    file = tmp_path / "a.yaml"
    with file.open("w", encoding="utf-8", errors="replace") as stream:
        YAML(typ="safe", pure=True).dump(policy, stream)
    with pytest.raises(PolicyError):
        load_policies([file])
