import numpy as np

from moderator.evaluation.answers import FUSED, Answers
from moderator.evaluation.fusion import FusionRow, compare
from moderator.evaluation.resampling import draw


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


def compared(asked: Answers) -> dict[str, FusionRow]:
    return {row.way: row for row in compare(asked, draw(len(asked.truth), 100))}


def test_channels_that_know_different_things_gain_by_fusion() -> None:
    random = np.random.default_rng(3)
    truth = random.random(600) < 0.5
    shown = random.random((2, 600)) < 0.5  # what each channel happens to see
    text, image = np.where(shown & truth, 0.9, 0.2) + random.random((2, 600)) * 0.1
    rows = compared(answers(text, image, truth))
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
    rows = compared(answers(text, random.random(400), truth))
    assert all(row.gain.low <= 0 for row in rows.values() if row.gain)


def test_the_better_channel_is_asked_for_anew_in_every_draw() -> None:
    random = np.random.default_rng(3)
    truth = random.random(200) < 0.5
    channels = [np.clip(random.normal(np.where(truth, 0.6, 0.4), 0.3), 0, 1) for _ in range(2)]
    rows = compared(answers(channels[0], channels[1], truth))
    alone = [rows["text only"].auroc.value, rows["image only"].auroc.value]
    gain = rows["as the rule says"].gain  # which is as the text says
    assert gain is not None
    assert gain.value == alone[0] - max(alone)
    # Where the draws favour the picture, the text is worse than the better channel; never better.
    assert gain.low < 0
    assert gain.high == 0


def test_posts_too_few_to_learn_from_are_fused_in_every_other_way() -> None:
    truth = np.array([True] + [False] * 11)
    random = np.random.default_rng(3)
    rows = compared(answers(random.random(12), random.random(12), truth))
    assert {"max", "weighted", "noisy_or", "as the rule says"} <= rows.keys()
    assert not any("learned" in way for way in rows)


def test_one_channel_has_nothing_to_be_fused_with() -> None:
    truth = np.array([True, False])
    assert compared(answers(np.array([0.9, 0.1]), None, truth)) == {}
    unread = np.full(2, np.nan)
    assert compared(answers(np.array([0.9, 0.1]), unread, truth)) == {}
