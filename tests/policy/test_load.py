"""Which files are loaded, and what is said of files and folders that cannot be."""

import gc
from contextlib import suppress
from pathlib import Path

import pytest

from moderator.errors import PolicyError
from moderator.policy.load import MAX_FILE_BYTES, load_policies
from tests.policy.conftest import HEAD, RULE, Complain

SAMPLES = Path(__file__).parents[2] / "policies"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.yaml: the file is empty; copy policies/minimal.yaml to begin"),
        ("# later\n", "a.yaml: the file is empty; copy policies/minimal.yaml to begin"),
        ("- a\n", "a.yaml:1:1: a policy begins with keys such as `policy: community`, not with"),
        ("hello\n", "a.yaml:1:1: a policy begins with keys such as `policy: community`, not with"),
    ],
)
def test_a_file_that_is_no_mapping_is_told_how_to_begin(
    complain: Complain, text: str, said: str
) -> None:
    assert complain(text).startswith(said)


def test_everything_wrong_in_every_file_is_told_at_once_in_the_order_of_files_and_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("b.yaml").write_text(HEAD + RULE.replace("0.8", "2") + RULE, encoding="utf-8")
    Path("a.yaml").write_text(HEAD + RULE.replace("high", "hihg"), encoding="utf-8")
    Path("c.yaml").write_text("policy: [", encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policies([Path("b.yaml"), Path("a.yaml"), Path("gone.yaml"), Path("c.yaml")])
    assert [str(problem).splitlines()[0] for problem in caught.value.problems] == [
        "b.yaml:8:16: `threshold` must be a number between 0 and 1, not 2; 2 percent is 0.02",
        "b.yaml:10:9: rule id `hate` is taken; give this rule another; the first is in line 4",
        "a.yaml:1:9: policy `community` is also in b.yaml; give one of them another name",
        "a.yaml:6:15: unknown severity `hihg`, did you mean `high`?",
        "gone.yaml: there is no such file",
        "c.yaml:1:10: this is not valid YAML: a bracket is never closed",
    ]
    assert all(str(problem) in str(caught.value) for problem in caught.value.problems)


def test_files_that_contradict_each_other_about_actions_are_refused(tmp_path: Path) -> None:
    for name, own in (("a", "label, warn"), ("b", "warn, label")):
        head = HEAD.replace("community", name).replace(
            "rules", f"actions: [allow, {own}, review, block]\nrules"
        )
        (tmp_path / f"{name}.yaml").write_text(head + RULE, encoding="utf-8")
    with pytest.raises(PolicyError, match="contradict each other about `actions`") as caught:
        load_policies([tmp_path])
    assert [(p.path.name, p.line) for p in caught.value.problems] == [("b.yaml", 3)]
    assert "`label` before `warn` in policy a" in str(caught.value)
    assert "`warn` before `label` in policy b" in str(caught.value)


def test_a_directory_is_read_without_its_other_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml"):
        head = HEAD.replace("community", name[0])
        (tmp_path / name).write_text(head + RULE, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a policy", encoding="utf-8")
    policies = load_policies([tmp_path, tmp_path / "b.yaml"])
    assert policies.name == "a+b"
    assert policies.files == {"a": tmp_path / "a.yml", "b": tmp_path / "b.yaml"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"policy: caf\xe9", "line 1 is not UTF-8; save the file as UTF-8 text"),
        (b"\n\n\xff\xfe", "line 3 is not UTF-8; save the file as UTF-8 text"),
        (b"#" * (MAX_FILE_BYTES + 1), "larger than 2 MiB; split it into files"),
    ],
)
def test_bytes_that_are_no_policy_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        load_policies([tmp_path / "a.yaml"])
    assert str(caught.value) == f"{tmp_path / 'a.yaml'}: {said}"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + RULE, encoding="utf-8-sig")
    assert load_policies([tmp_path]).name == "community"


def test_a_directory_without_policies_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"no policies in this directory: no file ends in \.yaml"):
        load_policies([tmp_path])


def test_nothing_to_load_is_told_so() -> None:
    with pytest.raises(PolicyError, match="no policies were named"):
        load_policies([])


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: str(path.stem))
def test_every_sample_loads_by_itself(sample: Path) -> None:
    policies = load_policies([sample])
    assert policies.name == sample.stem
    for _, rule in policies:
        assert rule.description or sample.stem == "minimal"
        assert min(len(rule.examples.violates), len(rule.examples.allows)) >= 3
        assert all(len(prompts) >= 3 for c in rule.channels for prompts in rule.prompts(c))


def test_the_samples_load_together() -> None:
    assert load_policies([SAMPLES]).name == "community+kids+marketplace+minimal"


@pytest.mark.parametrize("text", [f"{HEAD}{RULE}", "policy: ["])
def test_memory_is_collected_again_after_a_load(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with suppress(PolicyError):
        load_policies([path])
    assert gc.isenabled()
