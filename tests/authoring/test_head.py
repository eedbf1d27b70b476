"""`fusion: learned`: weights from labels, posts without one of the channels, refusals."""

from pathlib import Path

import numpy as np
import pytest

from moderator.authoring.calibrate import calibrate
from moderator.authoring.fitted import FEWEST
from moderator.authoring.head import fit_head
from moderator.authoring.keep import keep
from moderator.authoring.labels import Labelled
from moderator.authoring.workbench import Workbench
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from tests.authoring.conftest import Load
from tests.builders import a_rule, picture

RED, BLUE = picture("red"), picture("blue")


def labelled(posts: int, *, with_images: float = 1.0) -> Labelled:
    """Memes that are bad where a red picture has a text about fire; one in ten is mislabelled."""
    random = np.random.default_rng(0)
    found, labels = [], []
    for number in range(posts):
        fire, red = random.random(2) < 0.6
        words = f"{'red fire' if fire else 'blue sea'} w{number % 5}"
        image = (Media(type="image", data=RED if red else BLUE),)
        shown = random.random() < with_images
        found.append(Post(id=str(number), text=words, media=image if shown else ()))
        bad = fire and (red or not shown)
        labels.append([int(bad != (random.random() < 0.1))])
    return Labelled(tuple(found), np.array(labels, np.int8))


@pytest.fixture
def policies(load: Load) -> PolicySet:
    return load(a_rule(violates=["red fire", "red"], allows=["blue sea"], fusion="learned"))


def test_weights_are_learned_and_the_rule_can_be_enforced(
    policies: PolicySet, bench: Workbench, tmp_path: Path
) -> None:
    (found,) = calibrate(policies, labelled(300), bench)
    assert found.calibration is not None
    weights = found.calibration.weights
    assert min(weights["text"], weights["image"]) > 0
    assert any(note.startswith("fusion: weights text") for note in found.notes)
    keep([found], policies)
    loaded = load_policies([tmp_path / "test.yaml"])
    assert not loaded.warnings
    rules = bench.compile(loaded)

    def score(text: str, *images: bytes) -> float:
        media = tuple(Media(type="image", data=image) for image in images)
        post = LoadedPost(Post(id="1", text=text, media=media), images)
        return bench.judge(rules, [post]).rule(0, 0).score

    assert score("red fire", RED) > 0.7
    assert score("red fire", BLUE) < 0.4
    assert score("blue sea", RED) < 0.4
    assert score("red fire") > score("blue sea")  # without a picture the text speaks alone


def test_it_orders_unseen_posts_better_than_the_larger_of_both(
    load: Load, bench: Workbench
) -> None:
    rule = a_rule(violates=["red fire", "red"], allows=["blue sea"])
    (larger,) = calibrate(load(rule), labelled(300), bench)
    (learned,) = calibrate(load({**rule, "fusion": "learned"}), labelled(300), bench)
    assert learned.after["AP"].value > larger.after["AP"].value + 0.05
    assert learned.after["ECE"].value < larger.after["ECE"].value


def test_too_few_posts_with_every_channel_are_refused(
    policies: PolicySet, bench: Workbench
) -> None:
    some = labelled(300, with_images=0.08)
    (found,) = calibrate(policies, some, bench)
    assert found.calibration is None
    assert f"more labelled 1 (of {FEWEST}" in (found.refused or "")
    (textual,) = calibrate(policies, labelled(300, with_images=0), bench)
    assert "`fusion: learned` needs labelled posts of every channel; image has none" in (
        textual.refused or ""
    )


def test_a_channel_that_points_the_wrong_way_is_left_out() -> None:
    random = np.random.default_rng(0)
    labels = (np.arange(200) % 2).astype(np.int8)
    good, noise = labels * 2 - 1 + random.normal(0, 0.8, 200), random.normal(0, 1, 200)
    head = fit_head(np.stack([good, -good, noise]), labels)
    assert head.weights[1] == 0
    assert head.weights[0] > 0
    assert (head.weights >= 0).all()
