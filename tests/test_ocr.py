"""What is written in pictures counts in verdicts as a channel of its own."""

import logging
from typing import Any

import msgspec
import pytest

from moderator.cache.media import MediaCache
from moderator.cache.memory import MemoryCache
from moderator.embedder import Embedder
from moderator.encoders.base import Space
from moderator.encoders.fake import DIMENSIONS, fake_space
from moderator.ocr.base import Unread, Writing, Written
from moderator.ocr.space import space_of_writing
from moderator.pipeline import Screener
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.stream.dead_letters import failure
from moderator.verdicts import Verdict
from tests.builders import LIMITS, a_policy, a_post, a_rule, a_set, crossed, picture, screen_one
from tests.written import Says

BLUE = picture("blue")
FIRE = Written((Writing("red fire"),))


def channels() -> dict[str, Space]:
    space = fake_space()
    return {"text": space, "image": space, "ocr": space_of_writing(space, "reader 1")}


def rules(*given: dict[str, Any]) -> CompiledRules:
    return compile_rules(a_set(a_policy(*given)), channels(), MemoryCache(1000))


def screener(written: Written, *given: dict[str, Any], seen: MediaCache | None = None) -> Screener:
    embedder = Embedder(channels(), LIMITS, decoder=Says(written), seen=seen)
    return Screener(rules(*given), embedder, "crossed")


def verdict_on(written: Written, *given: dict[str, Any], text: str | None = None) -> Verdict:
    return screen_one(a_post("1", text, BLUE), screener(written, *given))


def codes(verdict: Verdict) -> list[tuple[str, str, str | None, str | None]]:
    return [(r.channel, r.status, r.code, r.media) for r in verdict.modalities]


def test_a_rule_that_reads_text_reads_it_in_pictures() -> None:
    verdict = verdict_on(FIRE, a_rule(channels=["text"]))
    assert verdict.action == "block"
    (rule,) = verdict.rules
    assert set(rule.channels) == {"ocr"}
    assert (rule.channels["ocr"].nearest, rule.channels["ocr"].media) == ("red fire", "0")
    assert codes(verdict)[2] == ("ocr", "read", None, None)


def test_a_picture_scores_like_the_text_in_it() -> None:
    typed = screen_one(a_post("1", "red fire"), screener(FIRE, a_rule(channels=["text"])))
    written = verdict_on(FIRE, a_rule(channels=["text"]))
    of_text = typed.rules[0].channels["text"]
    assert written.rules[0].channels["ocr"] == msgspec.structs.replace(of_text, media="0")


def test_a_rule_for_pictures_does_not_read_what_is_written_in_them() -> None:
    assert verdict_on(FIRE, a_rule(channels=["image"])).action == "allow"


def test_a_rule_for_text_in_pictures_reads_no_other() -> None:
    only = a_rule(channels=["ocr"])
    assert verdict_on(FIRE, only).action == "block"
    assert verdict_on(Written(), only, text="red fire").action == "allow"


def test_prompts_for_text_serve_text_in_pictures() -> None:
    rule = a_rule(violates=["calm sea"], text={"violates": ["red fire"]})
    assert verdict_on(FIRE, rule).rules[0].channels["ocr"].nearest == "red fire"


def test_text_in_a_picture_is_fused_with_the_rest() -> None:
    weights = {"ocr": 3, "image": 1}
    rule = a_rule(fusion="weighted", weights=weights, threshold=0.9, review_at=0.01)
    both = verdict_on(FIRE, rule).rules[0]
    assert set(both.channels) == {"image", "ocr"}
    scores = [channel.score for channel in both.channels.values()]
    assert min(scores) < both.score < max(scores)


def test_keywords_and_disguises_are_found_in_pictures() -> None:
    rule = a_rule(violates=["calm sea"], keywords=["viagra pills"])
    found = verdict_on(Written((Writing("cheap v1@gra\npills"),)), rule).rules[0]
    assert found.channels["keywords"].nearest == "viagra pills"
    assert found.channels["keywords"].media == "0"


def test_a_picture_without_text_lacks_the_channel() -> None:
    verdict = verdict_on(Written())
    assert codes(verdict)[2] == ("ocr", "missing", None, None)
    assert verdict.action == "allow"


def test_a_rule_may_apply_to_posts_with_text_in_pictures_alone() -> None:
    rule = a_rule(applies_to={"modalities": ["ocr"]})
    assert crossed(verdict_on(FIRE, rule)) == ["fire"]
    assert crossed(verdict_on(Written(), rule, text="red fire")) == []


def test_what_could_not_be_read_goes_to_review_and_to_the_dead_letters(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = Written((), Unread("ocr_failed", "reading text in it failed: a bug", failed=True))
    with caplog.at_level(logging.WARNING):
        verdict = verdict_on(failed, text="a calm sea")
    assert verdict.action == "review"
    assert ("ocr", "failed", "ocr_failed", "0") in codes(verdict)
    assert failure(verdict) == ("ocr_failed", "ocr 0: reading text in it failed: a bug")
    assert "reading text in it failed" in caplog.text


def test_what_was_read_in_part_is_judged_and_goes_to_review() -> None:
    cut = Unread("ocr_too_slow", "not all text in it was read in 5 s")
    harmless = verdict_on(Written((Writing("calm sea"),), cut))
    assert harmless.action == "review"
    assert ("ocr", "truncated", "ocr_too_slow", "0") in codes(harmless)
    assert failure(harmless) is None
    assert verdict_on(FIRE._replace(unread=cut)).action == "block"


def test_text_that_the_encoder_fails_at_goes_to_review() -> None:
    verdict = verdict_on(Written((Writing("unencodable words"),)))
    assert verdict.action == "review"
    assert ("ocr", "failed", "inference_failed", "0") in codes(verdict)


def test_a_picture_seen_before_is_not_read_again() -> None:
    seen = MediaCache(MemoryCache(100), "scope", DIMENSIONS, texts=True)
    decoder = Says(FIRE)
    embedder = Embedder(channels(), LIMITS, decoder=decoder, seen=seen)
    again = Screener(rules(a_rule()), embedder, "crossed")
    first, second = (screen_one(a_post("1", None, BLUE), again) for _ in range(2))
    assert decoder.prepared == 1
    assert first.rules == second.rules
    assert set(second.rules[0].channels) >= {"ocr"}


def test_a_picture_not_read_in_full_is_read_again() -> None:
    seen = MediaCache(MemoryCache(100), "scope", DIMENSIONS, texts=True)
    decoder = Says(Written((), Unread("ocr_too_slow", "not all text in it was read")))
    embedder = Embedder(channels(), LIMITS, decoder=decoder, seen=seen)
    for _ in range(2):
        screen_one(a_post("1", None, BLUE), Screener(rules(a_rule()), embedder, "crossed"))
    assert decoder.prepared == 2


def test_the_receipt_names_what_read_the_text() -> None:
    models = verdict_on(FIRE).models
    assert models["ocr"].name == "fake, reader 1"
    assert models["ocr"].digest != models["text"].digest


def test_the_embedder_tells_what_was_read_in_new_pictures() -> None:
    told: list[Written] = []
    work = screener(FIRE, a_rule())
    work.embedder.on_written = told.extend
    screen_one(a_post("1", None, BLUE, BLUE), work)
    assert told == [FIRE]
