"""What an author reads when a value does not fit its key, or another value."""

from pathlib import Path
from textwrap import dedent

import pytest

from moderator.policy.load import load_policies
from tests.policy.conftest import HEAD, RULE, Complain


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
        ("channels: [video]", "unknown channel `video`; known here: text, image, ocr"),
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
