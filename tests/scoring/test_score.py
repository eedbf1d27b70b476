from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from moderator.cache.memory import MemoryCache
from moderator.encoders.base import Space, unit_rows
from moderator.encoders.fake import fake_space
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.scoring.fusion import fuse
from moderator.scoring.score import Readings, score
from tests.builders import a_policy, a_rule, a_set, compiled

RULES = [
    a_rule("either", violates=["red fire"]),
    a_rule("words", violates=["blue sea"], channels=["text"]),
    a_rule("both", violates=["green grass"], fusion="weighted", weights={"image": 3.0}),
    a_rule("seen", violates=["black night"], channels=["image"]),
    a_rule("adds-up", violates=["white snow"], fusion="noisy_or"),
]


def readings(seed: int, *owners: int) -> Readings:
    vectors = np.random.default_rng(seed).standard_normal((len(owners), 64))
    return Readings(unit_rows(vectors, 64), np.array(owners, np.intp))


def naive(rules: CompiledRules, read: Mapping[str, Readings], post: int, column: int) -> float:
    """One rule for one post, channel by channel."""
    logits, present, weights = [], [], []
    for name, channel in rules.channels.items():
        own = read[name].vectors[read[name].rows(post)]
        there = bool(len(own)) and bool(channel.reads[column])
        margin = float((own @ channel.directions[:, column]).max()) if len(own) else 0.0
        logits.append(channel.scale.gain[column] * margin + channel.scale.offset[column])
        present.append(there)
        weights.append((rules.rules[column].weights or {}).get(name, 1.0))
    fused = fuse(
        rules.rules[column].fusion,
        np.array(logits, np.float32).reshape(-1, 1, 1),
        np.array(present).reshape(-1, 1, 1),
        np.array(weights, np.float32).reshape(-1, 1),
    )
    return float(fused[0, 0])


@pytest.mark.parametrize(
    ("text", "image"),
    [
        (readings(1, 0, 1, 2), readings(2, 0, 1, 2)),
        (readings(1, 0, 0, 2), readings(2, 1, 2, 2)),
        (readings(1, 0, 1, 2), readings(2)),
        (readings(1), readings(2, 0, 2)),
        (readings(1, 1), readings(2)),
    ],
    ids=["all-read", "some-read", "no-image", "no-text", "one-text"],
)
def test_every_cell_of_two_channels_equals_a_plain_loop(text: Readings, image: Readings) -> None:
    rules, read = compiled(*RULES), {"text": text, "image": image}
    fused = score(rules, read, 3).fused
    for post in range(3):
        for column in range(len(RULES)):
            expected = naive(rules, read, post, column)
            assert fused[post, column] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_a_channel_without_readings_between_others_takes_its_weights_with_it() -> None:
    space = fake_space()
    more = {**space.calibration, "ocr": space.calibration["text"]}
    channels = dict.fromkeys(("text", "ocr", "image"), replace(space, calibration=more))
    rules = compile_rules(a_set(a_policy(*RULES)), channels, MemoryCache(100))
    read = {"text": readings(1, 0, 1), "ocr": readings(3), "image": readings(2, 0, 1)}
    fused = score(rules, read, 2).fused
    for post in range(2):
        for column in range(len(RULES)):
            expected = naive(rules, read, post, column)
            assert fused[post, column] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_a_space_of_texts_alone_scores_the_rules_that_read_texts() -> None:
    space: Space = fake_space(images=False)
    rules, read = compiled(*RULES[:3], space=space), {"text": readings(1, 0, 2)}
    fused = score(rules, read, 3).fused
    for post in (0, 2):
        for column in range(3):
            assert fused[post, column] == pytest.approx(naive(rules, read, post, column), rel=1e-4)
    assert np.isneginf(fused[1]).all()


def test_a_batch_in_which_nothing_could_be_read_scores_nothing() -> None:
    fused = score(compiled(*RULES), {"text": readings(1), "image": readings(2)}, 2).fused
    assert fused.shape == (2, len(RULES))
    assert np.isneginf(fused).all()


def test_the_readings_of_a_post_are_its_rows() -> None:
    read = readings(1, 0, 2, 2, 3)
    assert [read.rows(post) for post in range(4)] == [
        slice(0, 1),
        slice(1, 1),
        slice(1, 3),
        slice(3, 4),
    ]
