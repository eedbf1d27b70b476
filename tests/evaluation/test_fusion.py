import numpy as np

from moderator.evaluation.answers import FUSED, Answers
from moderator.evaluation.fusion import compare


def answers(text: np.ndarray, image: np.ndarray | None, truth: np.ndarray) -> Answers:
    channels = {"text": text} | ({} if image is None else {"image": image})
    nothing = np.zeros(len(truth), bool)
    return Answers(
        task="t",
        rules=("p/r",),
        truth=truth,
        scores=channels | {FUSED: text},
        fired=nothing,
        reviewed=nothing,
        groups=("",) * len(truth),
        places=np.arange(len(truth)),
    )


def test_channels_that_know_different_things_gain_by_fusion() -> None:
    random = np.random.default_rng(3)
    truth = random.random(600) < 0.5
    shown = random.random((2, 600)) < 0.5  # what each channel happens to see
    text, image = np.where(shown & truth, 0.9, 0.2) + random.random((2, 600)) * 0.1
    rows = {row.way: row for row in compare(answers(text, image, truth), resamples=100)}
    assert set(rows) >= {"text only", "image only", "max", "weighted", "noisy_or"}
    best = max(rows["text only"].auroc.value, rows["image only"].auroc.value)
    for way in ("max", "weighted", "noisy_or", "learned, 5-fold"):
        row = rows[way]
        assert row.auroc.value > best
        assert row.gain is not None
        assert row.gain.low > 0
    # `answers` gives the text's scores as the fused ones.
    assert rows["as the rule says"].auroc == rows["text only"].auroc


def test_a_channel_of_noise_makes_no_fusion_better_with_certainty() -> None:
    random = np.random.default_rng(3)
    truth = random.random(400) < 0.5
    text = np.clip(random.normal(np.where(truth, 0.6, 0.4), 0.2), 0.01, 0.99)
    rows = compare(answers(text, random.random(400), truth), resamples=100)
    assert all(row.gain.low <= 0 for row in rows if row.gain)


def test_one_channel_has_nothing_to_be_fused_with() -> None:
    truth = np.array([True, False])
    assert compare(answers(np.array([0.9, 0.1]), None, truth)) == []
    unread = np.full(2, np.nan)
    assert compare(answers(np.array([0.9, 0.1]), unread, truth)) == []
