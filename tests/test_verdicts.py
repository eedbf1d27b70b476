import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderator.verdicts import (
    SEVERITIES,
    ChannelScore,
    ModalityReport,
    ModelRef,
    PolicyRef,
    Receipt,
    RuleScore,
    Verdict,
    decode_verdict,
    encode_verdict,
)

RECEIPT = Receipt(policy=PolicyRef("p", "1", "d"), models={"text": ModelRef("m", "n")})

words = st.text(max_size=10)
shares = st.floats(0, 1)
channel_scores = st.builds(
    ChannelScore, margin=st.floats(-2, 2), score=shares, nearest=words, media=st.none() | words
)
rule_scores = st.builds(
    RuleScore,
    id=words,
    score=shares,
    threshold=shares,
    review_at=shares,
    severity=st.sampled_from(SEVERITIES),
    action=words,
    shadow=st.booleans(),
    channels=st.dictionaries(words, channel_scores, max_size=2),
)
reports = st.builds(
    ModalityReport,
    channel=words,
    status=st.sampled_from(["read", "missing", "failed", "truncated"]),
    media=st.none() | words,
    code=st.none() | words,
    reason=st.none() | words,
)
verdicts = st.builds(
    Verdict,
    id=words,
    post_id=words,
    action=words,
    severity=st.none() | st.sampled_from(SEVERITIES),
    rules=st.lists(rule_scores, max_size=2).map(tuple),
    modalities=st.lists(reports, max_size=2).map(tuple),
    surface=st.none() | words,
    policy=st.builds(PolicyRef, words, words, words),
    models=st.dictionaries(words, st.builds(ModelRef, words, words), max_size=2),
    timing_ms=st.dictionaries(words, st.floats(0, 1e6), max_size=2),
    meta=st.none() | st.dictionaries(words, words, max_size=2),
)


@given(verdicts)
@settings(max_examples=40, deadline=None)
def test_a_verdict_survives_being_sent_on_one_line(verdict: Verdict) -> None:
    value = encode_verdict(verdict)
    assert b"\n" not in value
    assert decode_verdict(value) == verdict


def test_a_value_that_is_no_verdict_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="post_id"):
        decode_verdict(b'{"id": "1", "action": "allow"}')


def test_a_verdict_id_is_32_hex_digits_and_the_same_every_time() -> None:
    again = Receipt(policy=PolicyRef("p", "1", "d"), models={"text": ModelRef("m", "n")})
    assert RECEIPT.verdict_id(b"post") == again.verdict_id(b"post")
    assert len(bytes.fromhex(RECEIPT.verdict_id(b"post"))) == 16


@pytest.mark.parametrize(
    "other",
    [
        Receipt(policy=PolicyRef("q", "1", "d"), models=RECEIPT.models),
        Receipt(policy=PolicyRef("p", "2", "d"), models=RECEIPT.models),
        Receipt(policy=PolicyRef("p", "1", "e"), models=RECEIPT.models),
        Receipt(policy=RECEIPT.policy, models={"text": ModelRef("m", "o")}),
        Receipt(policy=RECEIPT.policy, models={"image": ModelRef("m", "n")}),
    ],
)
def test_another_policy_or_model_gives_another_verdict_id(other: Receipt) -> None:
    assert other.verdict_id(b"post") != RECEIPT.verdict_id(b"post")
    assert RECEIPT.verdict_id(b"another") != RECEIPT.verdict_id(b"post")


def test_the_order_of_channels_does_not_change_the_verdict_id() -> None:
    text, image = ModelRef("a", "b"), ModelRef("c", "d")
    one = Receipt(policy=RECEIPT.policy, models={"text": text, "image": image})
    other = Receipt(policy=RECEIPT.policy, models={"image": image, "text": text})
    assert one.verdict_id(b"post") == other.verdict_id(b"post")
