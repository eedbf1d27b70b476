"""What an author reads when a policy file is wrong, and what is loaded when it is right."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from moderator.errors import PolicyError
from moderator.policy.defaults import Defaults
from moderator.policy.load import MAX_FILE_BYTES, load_policies
from moderator.policy.schema import Policy, Rule

SAMPLES = Path(__file__).parents[2] / "policies"

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


def test_a_misspelt_key_is_named_with_what_was_meant_and_not_reported_as_missing_too(
    complain: Complain,
) -> None:
    assert complain(HEAD + RULE.replace("threshold", "treshold")) == dedent("""\
        a.yaml:8:5: unknown key `treshold`, did you mean `threshold`?
            8 |     treshold: 0.8
                    ^^^^^^^^""")


def test_a_key_like_no_other_is_answered_with_those_there_are(complain: Complain) -> None:
    assert complain(HEAD + RULE.replace("title: Hate", "title: Hate\n    examples: {zzz: []}")) == (
        dedent("""\
        a.yaml:6:16: unknown key `zzz`; known here: violates, allows
            6 |     examples: {zzz: []}
                               ^^^""")
    )


def test_a_missing_key_is_told_at_the_start_of_its_rule(complain: Complain) -> None:
    text = HEAD + RULE.replace("    title: Hate\n", "").replace("    threshold: 0.8\n", "")
    assert complain(text) == dedent("""\
        a.yaml:4:5: missing key `title`
            4 |   - id: hate
                    ^^
        a.yaml:4:5: missing key `threshold`, here or under `defaults`
            4 |   - id: hate
                    ^^""")


def test_misspelt_prompts_are_not_reported_as_missing_too(complain: Complain) -> None:
    assert complain(HEAD + RULE.replace("violates", "violate")) == dedent("""\
        a.yaml:9:5: unknown key `violate`, did you mean `violates`?
            9 |     violate: [They are all vermin.]
                    ^^^^^^^""")


def test_a_rule_without_prompts_is_told_what_prompts_are(complain: Complain) -> None:
    text = HEAD + RULE.replace("    violates: [They are all vermin.]\n", "")
    assert complain(text) == dedent("""\
        a.yaml:4:5: missing key `violates`: the sentences that describe what breaks the rule
            4 |   - id: hate
                    ^^""")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("high", "must be a number between 0 and 1, not 'high'"),
        ("2", "must be a number between 0 and 1, not 2; 2 percent is 0.02"),
        ("80", "must be a number between 0 and 1, not 80; 80 percent is 0.8"),
        ("1", "must be a number between 0 and 1, not 1; no post ever scores 0 or 1 exactly"),
        ("-0.5", "must be a number between 0 and 1, not -0.5"),
        ("'0.8'", "must be a number between 0 and 1, not '0.8'; remove the quotes"),
        (".nan", "must be a number between 0 and 1, not nan"),
        ("true", "must be a number between 0 and 1, not true"),
        ("[0.8]", "must be a number between 0 and 1, not a list"),
    ],
)
def test_a_threshold_that_is_no_probability_is_refused(
    complain: Complain, written: str, said: str
) -> None:
    message = complain(HEAD + RULE.replace("0.8", written)).splitlines()[0]
    assert message.partition(": ")[2] == f"`threshold` {said}"


def test_a_key_without_a_value_is_reported_once_and_at_the_key(complain: Complain) -> None:
    assert complain(HEAD + RULE.replace("0.8", "")) == dedent("""\
        a.yaml:8:5: `threshold` has no value; give it one or remove the line
            8 |     threshold:
                    ^^^^^^^^^""")


def test_a_review_line_above_the_threshold_is_refused(complain: Complain) -> None:
    assert complain(HEAD + RULE + "    review_at: 0.9\n") == dedent("""\
        a.yaml:10:16: `review_at` 0.9 is above `threshold` 0.8; it is where people start to look, \
so it cannot be higher
           10 |     review_at: 0.9
                               ^^^""")


def test_a_default_review_line_that_does_not_fit_a_rule_is_told_at_the_rule(
    complain: Complain,
) -> None:
    text = HEAD.replace("rules", "defaults: {review_at: 0.85}\nrules") + RULE
    assert complain(text) == dedent("""\
        a.yaml:9:16: `threshold` 0.8 is below the `review_at` 0.85 of `defaults`; \
give this rule a `review_at` of its own
            9 |     threshold: 0.8
                               ^^^""")


def test_a_mistake_in_the_defaults_is_told_there_and_not_in_every_rule(complain: Complain) -> None:
    text = HEAD.replace("rules", "defaults: {threshold: high, action: blok}\nrules")
    assert complain(text + RULE.replace("    threshold: 0.8\n    ", "    ")) == dedent("""\
        a.yaml:3:23: `threshold` must be a number between 0 and 1, not 'high'
            3 | defaults: {threshold: high, action: blok}
                                      ^^^^
        a.yaml:3:37: unknown action `blok`, did you mean `block`?
            3 | defaults: {threshold: high, action: blok}
                                                    ^^^^""")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("severity: hgih", "unknown severity `hgih`, did you mean `high`?"),
        ("action: Block", "unknown action `Block`, did you mean `block`?"),
        ("action: blok", "unknown action `blok`, did you mean `block`?"),
        ("action: hide", "unknown action `hide`; known here: review, block"),
        ("action: allow", "`allow` is what happens when no rule fires; a rule needs another"),
        ("fusion: wieghted", "unknown fusion `wieghted`, did you mean `weighted`?"),
        ("mode: shadwo", "unknown mode `shadwo`, did you mean `shadow`?"),
        ("mode: off", None),  # a word in YAML 1.2, not `false`
        ("channels: [video]", "unknown channel `video`; known here: text, image"),
        ("channels: []", "`channels` is empty; it needs at least one entry"),
        ("weights: {text: 2}", "`weights` work with `fusion: weighted` only"),
        ("id: Hate Speech", "`id` must be text of small letters, digits and single hyphens"),
        ("title: 5", "`title` must be text, not 5; put it in quotes"),
        ("title: '  '", "`title` must be text, not '  '"),
        ("violates: They are vermin.", "`violates` must be a list, with `- ` before each item"),
        ("violates: []", "`violates` needs at least one prompt"),
        ("violates: ['']", "an empty prompt; write a sentence or remove the line"),
        ("violates: [a, A]", "the same prompt as item 1 of this list; remove one of them"),
        ("violates: [5]", "a prompt must be text, not 5; put it in quotes"),
        (f"violates: [{'x' * 401}]", "a prompt of 401 characters; 400 are the most"),
        ("allows: [They are all vermin.]", "this prompt also stands under `violates`"),
        ("image: [a gun]", "`image` must be a mapping, with lines of `key: value`, not a list"),
        ("examples: {violates: [{}]}", "an example needs a `text`, an `image` or both"),
        ("examples: {violates: [{image: /a.png}]}", "an example's image is a path relative to"),
        ("title: !!python/name:os.system x", "the tag `!!python/name:os.system` means nothing"),
    ],
)
def test_a_value_that_does_not_fit_is_answered_in_a_sentence(
    tmp_path: Path, complain: Complain, line: str, said: str | None
) -> None:
    key = line.partition(":")[0]
    kept = [old for old in RULE.splitlines() if old.strip(" -").partition(":")[0] != key]
    lines = [f"  - {line}", *(old.replace("- ", "  ") for old in kept)]
    text = HEAD + "\n".join(lines) + "\n"
    if said is None:
        Path(tmp_path / "a.yaml").write_text(text, encoding="utf-8")
        load_policies([tmp_path / "a.yaml"])
    else:
        assert said in complain(text).splitlines()[0]
        assert len(complain(text).splitlines()) == 3


def test_a_rule_id_that_is_taken_names_the_line_of_the_first(complain: Complain) -> None:
    assert complain(HEAD + RULE + RULE) == dedent("""\
        a.yaml:10:9: rule id `hate` is taken; give this rule another; the first is in line 4
           10 |   - id: hate
                        ^^^^""")


def test_a_key_that_stands_twice_is_refused(complain: Complain) -> None:
    assert complain(HEAD + RULE + "    title: Again\n") == dedent("""\
        a.yaml:10:5: key `title` stands here twice, first in line 5
           10 |     title: Again
                    ^^^^^""")


def test_prompts_for_a_channel_that_is_not_read_are_refused(complain: Complain) -> None:
    text = HEAD + RULE + "    channels: [text]\n    image: {violates: [a photo of a gun]}\n"
    assert complain(text) == dedent("""\
        a.yaml:11:5: `image` has prompts here, but `channels` does not name it; add it there
           11 |     image: {violates: [a photo of a gun]}
                    ^^^^^""")


def test_weights_are_checked_name_by_name(complain: Complain) -> None:
    text = HEAD + RULE + "    fusion: weighted\n    weights: {txet: 2, image: 0}\n"
    assert complain(text) == dedent("""\
        a.yaml:11:15: unknown channel `txet`, did you mean `text`?
           11 |     weights: {txet: 2, image: 0}
                              ^^^^
        a.yaml:11:31: `image` must be a number above 0, not 0
           11 |     weights: {txet: 2, image: 0}
                                              ^""")


def test_actions_out_of_order_are_refused(complain: Complain) -> None:
    said = complain(HEAD.replace("rules", "actions: [allow, block, review]\nrules") + RULE)
    assert said.splitlines()[0] == (
        "a.yaml:3:1: `actions` go from the mildest to the strictest: first `allow`, "
        "then `review` before `block`, with names of your own after `allow`"
    )


def test_a_policy_without_rules_is_refused(complain: Complain) -> None:
    assert complain("policy: a\nversion: 1\nrules: []\n") == dedent("""\
        a.yaml:3:1: `rules` is empty; it needs at least one entry
            3 | rules: []
                ^^^^^""")


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


def test_anchors_and_merge_keys_work_and_problems_in_them_are_told_once(complain: Complain) -> None:
    text = """\
        policy: community
        version: 1
        rules:
          - &one
            id: one
            title: One
            severity: high
            action: blok
            threshold: 0.8
            violates: [a]
          - <<: *one
            id: two
        """
    assert complain(text) == dedent("""\
        a.yaml:8:13: unknown action `blok`, did you mean `block`?
            8 |     action: blok
                            ^^^^""")


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
