"""Figures and promises are of the rule that runs: keywords, exceptions and scope among them."""

from typing import Any

import numpy as np
import pytest

from moderator.authoring.calibrate import Calibrated, calibrate
from moderator.authoring.keep import keep
from moderator.authoring.labels import Labelled
from moderator.authoring.workbench import Workbench
from moderator.policy.load import load_policies
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from tests.authoring.conftest import Load
from tests.builders import a_rule, picture

FIRE = a_rule(
    violates=["red fire"],
    allows=["blue sea"],
    channels=["text"],
    threshold={"precision": 0.6},
    review_at={"precision": 0.6},
)


def labelled(**keys: Any) -> Labelled:
    """Fires, seas that are none, and a third of each with a bang; half are comments."""
    posts = [
        Post(
            id=str(number),
            text=("hot red fire" if number % 2 else "calm blue sea")
            + (" bang" if number % 3 == 0 else "")
            + f" w{number}",
            surface="comment" if number % 4 < 2 else "feed",
            **keys,
        )
        for number in range(120)
    ]
    return Labelled(tuple(posts), np.array([[n % 2, -1] for n in range(120)], np.int8))


def one(load: Load, bench: Workbench, labels: Labelled, **keys: Any) -> Calibrated:
    other = a_rule("bang", violates=["loud noise"], keywords=["bang"], channels=["text"])
    (found,) = calibrate(load(FIRE | keys, other), labels, bench)
    return found


def test_keywords_that_fire_on_harmless_posts_cost_a_rule_its_promise(
    load: Load, bench: Workbench
) -> None:
    assert one(load, bench, labelled()).cuts
    found = one(load, bench, labelled(), keywords=[{"term": "blue", "score": 0.9999}])
    assert not found.cuts
    assert found.unmet
    assert any("at its surest 60 of 120 posts violate" in note for note in found.notes)
    assert found.after["precision"].value == pytest.approx(0.5)


def test_keywords_that_catch_what_sentences_miss_are_in_the_figures(
    load: Load, bench: Workbench
) -> None:
    keys = {"threshold": 0.985, "review_at": 0.5}
    assert one(load, bench, labelled(), **keys).after["recall"].value < 0.5
    found = one(load, bench, labelled(), keywords=["hot"], **keys)
    assert found.after["recall"].value == 1


def test_it_is_said_where_keywords_alone_do_not_reach_the_threshold(
    load: Load, bench: Workbench
) -> None:
    found = one(load, bench, labelled(), keywords=["hot"], threshold=0.995, review_at=0.5)
    assert any("60 labelled posts have keywords that score less" in note for note in found.notes)


def test_what_is_excused_does_not_fire(load: Load, bench: Workbench) -> None:
    for excuse in ({"keywords": ["bang"]}, {"rules": ["bang"]}):
        keys = {"threshold": 0.5, "review_at": 0.5, "except": excuse}
        found = one(load, bench, labelled(), **keys)
        assert "40 of 120 labelled posts are excused: the rule fires on none" in found.notes
        assert found.after["recall"].value == pytest.approx(2 / 3)


def test_posts_that_the_rule_does_not_judge_are_left_out(load: Load, bench: Workbench) -> None:
    found = one(load, bench, labelled(), **{"except": {"surfaces": ["comment"]}})
    assert "60 of 120 labelled posts are not for this rule, and left out" in found.notes
    assert sum(each.posts for each in found.bins) == 60


def test_posts_that_could_not_be_read_are_counted(load: Load, bench: Workbench) -> None:
    broken = (Media(type="image", data=b"no image"),)
    found = one(load, bench, labelled(media=broken), channels=["text", "image"])
    assert found.calibration is not None
    assert any("120 of 120 labelled posts could not be read" in note for note in found.notes)
    blind = one(load, bench, labelled(media=broken), channels=["image"])
    assert "120 of 120 labelled posts could not be read" in (blind.refused or "")


def test_a_channel_with_too_few_labels_counts_as_it_will_run(load: Load, bench: Workbench) -> None:
    labels = labelled()
    shown = Post(id="0", text=labels.posts[0].text, media=(Media(data=picture("red")),))
    posts = (shown, *labels.posts[1:])
    keys = {"channels": ["text", "image"], "threshold": 0.5, "review_at": 0.5}
    found = one(load, bench, Labelled(posts, labels.labels), **keys)
    policies = load(FIRE | keys)
    keep([found], policies)
    rules = bench.compile(load_policies([policies.files["test"]]))
    seen = bench.judge(rules, [LoadedPost(shown, (picture("red"),))])
    assert seen.rule(0, 0).score > 0.5  # a harmless post on which the rule will fire
    assert found.after["precision"].value == pytest.approx(60 / 61)
