"""Why a post waits: the words of the reading that decided, whatever it is."""

from dataclasses import replace
from typing import Any

import pytest

from moderator.authoring.workbench import Workbench
from moderator.console.why import RuleWhy, why
from moderator.embedder import Embedder
from moderator.encoders.fake import fake_space
from moderator.posts import Post
from tests.authoring.conftest import a_workbench
from tests.builders import a_policy, a_rule, a_screener, a_set


@pytest.fixture
def bench() -> Workbench:
    return a_workbench(fake_space())


def asked(bench: Workbench, text: str, *rules: dict[str, Any]) -> RuleWhy:
    """Why the last of these rules stands in the verdict."""
    compiled = bench.compile(a_set(a_policy(*rules)))
    post = Post(id="1", text=text)
    screener = a_screener(compiled, limits=bench.limits, space=bench.channels["text"])
    (loaded,) = bench.loader.load([post], 0.0)
    (verdict,) = screener.screen([loaded])
    found = why(bench, compiled, loaded, verdict)
    return next(each for each in found if each.id.endswith(rules[-1]["id"]))


def shown(found: RuleWhy) -> str:
    return "".join(piece for piece, _ in found.marked)


def strongest(found: RuleWhy) -> str:
    return max(found.marked, key=lambda piece: piece[1])[0]


def test_the_words_of_a_plain_text_are_marked_in_it(bench: Workbench) -> None:
    found = asked(bench, "red  fire, hello", a_rule(review_at=0.1))
    assert shown(found) == "red  fire, hello"
    assert strongest(found) == "red"
    assert not found.as_read


@pytest.mark.parametrize("text", ["r3d f1r3 hello", "red f i r e hello"])
def test_in_a_disguised_text_the_words_that_people_read_are_marked(
    bench: Workbench, text: str
) -> None:
    found = asked(bench, text, a_rule(violates=["fire"], review_at=0.1))
    assert shown(found) == "red fire hello"
    assert strongest(found) == "fire"
    assert found.as_read


def test_a_sentence_that_decided_is_marked_among_the_others(bench: Workbench) -> None:
    limits = replace(bench.limits, text_sentences=True)
    by_sentence = replace(bench, embedder=Embedder(bench.channels, limits))
    text = "We walked along a quiet beach. They saw red fire there. The day was long and dull."
    found = asked(by_sentence, text, a_rule(review_at=0.1))
    assert shown(found) == text
    assert {piece for piece, weight in found.marked if weight > 0.5} <= {"red", "fire"}
    assert not found.as_read


def test_a_combination_names_the_scores_of_its_parts(bench: Workbench) -> None:
    part, whole = a_rule("part"), a_rule("whole", violates=[], when={"any": ["part"]})
    found = asked(bench, "red fire", part, whole)
    assert found.parts.keys() == {"part"}
    assert found.marked == []
