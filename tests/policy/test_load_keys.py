"""What an author reads when a key is misspelt, missing, empty or there twice."""

from textwrap import dedent

from tests.policy.conftest import HEAD, RULE, Complain


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


def test_a_key_without_a_value_is_reported_once_and_at_the_key(complain: Complain) -> None:
    assert complain(HEAD + RULE.replace("0.8", "")) == dedent("""\
        a.yaml:8:5: `threshold` has no value; give it one or remove the line
            8 |     threshold:
                    ^^^^^^^^^""")


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
