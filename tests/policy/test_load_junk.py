"""Whatever a file holds, it loads or there is a PolicyError."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from moderator.errors import PolicyError
from moderator.policy.defaults import Defaults
from moderator.policy.load import load_policies
from moderator.policy.problems import MOST_COMPARED
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


def _rules(**keys: object) -> str:
    """Three hundred rules with these keys; `#` is the number of each."""
    common = {"title": "T", "severity": "low", "action": "block", "threshold": 0.5}
    rule = json.dumps({"id": "rule-#", "violates": ["a thing #"], **common} | keys)
    return "\n".join(f"- {rule.replace('#', str(n))}" for n in range(300))


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (300, _rules(**{"except": {"rules": ["rula-#"]}})),
        (302, _rules(action="axt-#")),
        (300, _rules(violates=[{"use": "lizt-#"}])),
    ],
    ids=["rules", "actions", "lists"],
)
def test_many_wrong_names_are_all_told_but_few_are_compared_with_all_there_are(
    tmp_path: Path, known: int, text: str
) -> None:
    actions = ", ".join(f"act-{n}" for n in range(300))
    lists = "\n".join(f"  list-{n}: [one {n}]" for n in range(300))
    head = f"policy: a\nversion: 1\nactions: [allow, review, block, {actions}]\nprompts:\n{lists}"
    file = tmp_path / "a.yaml"
    file.write_text(f"{head}\nrules:\n{text}\n")
    with pytest.raises(PolicyError) as caught:
        load_policies([file])
    told = [each.message for each in caught.value.problems if each.message.startswith("unknown")]
    assert len(told) == 300
    assert sum("did you mean" in each for each in told) == -(-MOST_COMPARED // known)
