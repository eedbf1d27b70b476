"""What a verdict says for every kind of post; the fake space reads words and colours."""

import json
import time
from dataclasses import replace

import pytest
from msgspec.structs import replace as replaced

from moderator.encoders.fake import fake_space
from moderator.errors import MediaError, TransientError
from moderator.media.prepare import Prepared
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.verdicts import (
    ModalityReport,
    Verdict,
    decode_verdict,
    deferred,
    encode_verdict,
    is_about,
)
from tests.builders import (
    LIMITS,
    a_post,
    a_rule,
    a_screener,
    actions,
    compiled,
    crossed,
    picture,
    screen_one,
)

HARMLESS = "we planted tomatoes behind our house"
RED, GREEN, BLUE = picture("red"), picture("green"), picture("blue")


def reports(verdict: Verdict) -> dict[str, str]:
    """The status of each channel, or of each attachment as channel/label."""
    return {
        report.channel + (f"/{report.media}" if report.media else ""): report.status
        for report in verdict.modalities
    }


def test_every_post_has_one_verdict_in_the_order_of_the_posts() -> None:
    texts = [HARMLESS, "red fire", None, "red fire", HARMLESS]
    verdicts = a_screener().screen([a_post(str(n), text) for n, text in enumerate(texts)])
    assert [verdict.post_id for verdict in verdicts] == ["0", "1", "2", "3", "4"]
    assert actions(verdicts) == ["allow", "block", "allow", "block", "allow"]


def test_no_posts_no_verdicts() -> None:
    assert a_screener().screen([]) == []


@pytest.mark.parametrize("text", [None, "", " ", "\n\t  "])
def test_a_post_with_neither_text_nor_media_is_allowed(text: str | None) -> None:
    verdict = screen_one(a_post("1", text))
    assert (verdict.action, verdict.severity, verdict.rules) == ("allow", None, ())
    assert reports(verdict) == {"text": "missing", "image": "missing"}


def test_a_text_alone_is_judged() -> None:
    verdict = screen_one(a_post("1", "red fire"))
    assert (verdict.action, verdict.severity) == ("block", "high")
    (rule,) = verdict.rules
    assert (rule.id, rule.action, rule.shadow) == ("test/fire", "block", False)
    assert rule.score >= rule.threshold == 0.8
    assert set(rule.channels) == {"text"}
    assert rule.channels["text"].nearest == "red fire"
    assert rule.channels["text"].media is None
    assert reports(verdict) == {"text": "read", "image": "missing"}


def test_an_image_alone_is_judged() -> None:
    verdict = screen_one(a_post("1", None, RED))
    assert verdict.action == "block"
    assert set(verdict.rules[0].channels) == {"image"}
    assert reports(verdict) == {"text": "missing", "image": "read"}
    assert screen_one(a_post("1", None, GREEN)).action == "allow"


def test_text_and_image_are_judged_together() -> None:
    verdict = screen_one(a_post("1", HARMLESS, RED))
    assert verdict.action == "block"
    channels = verdict.rules[0].channels
    assert channels["image"].score > 0.8
    assert channels["text"].score < 0.5
    assert verdict.rules[0].score == channels["image"].score
    assert reports(verdict) == {"text": "read", "image": "read"}


def test_the_nearest_prompt_is_the_one_the_post_resembles() -> None:
    rules = compiled(a_rule(violates=["red fire", "burning house", "hot ember"]))
    verdict = screen_one(a_post("1", "a house is burning"), a_screener(rules, detail="full"))
    assert verdict.rules[0].channels["text"].nearest == "burning house"


def test_the_nearest_prompt_is_nearest_to_the_window_that_decides() -> None:
    rules = compiled(a_rule(violates=["red fire", "burning house"]))
    first = "red " * 2 + f"{HARMLESS} " * 8  # the first window of 50 words
    verdict = screen_one(a_post("1", first + "burning house " * 25), a_screener(rules))
    assert verdict.rules[0].channels["text"].nearest == "burning house"


def test_of_several_images_the_one_that_decides_is_named() -> None:
    verdict = screen_one(a_post("1", None, GREEN, BLUE, RED, GREEN))
    assert verdict.rules[0].channels["image"].media == "2"
    media = (Media(id="cat", data=GREEN), Media(id="flames", data=RED))
    named = LoadedPost(Post(id="1", media=media), (GREEN, RED))
    assert screen_one(named).rules[0].channels["image"].media == "flames"


def test_images_belong_to_their_posts_also_between_posts_without() -> None:
    posts = [
        a_post("0", HARMLESS),
        a_post("1", None, GREEN, RED),
        a_post("2"),
        a_post("3", "red fire", GREEN),
        a_post("4", None, BLUE),
        a_post("5", HARMLESS, RED),
    ]
    verdicts = a_screener().screen(posts)
    assert actions(verdicts) == ["allow", "block", "allow", "block", "allow", "block"]
    assert [set(v.rules[0].channels) for v in verdicts if v.rules] == [
        {"image"},
        {"text", "image"},
        {"text", "image"},
    ]


def test_a_batch_gives_what_its_posts_give_alone() -> None:
    posts = [a_post("0", "red fire"), a_post("1", HARMLESS, RED), a_post("2", None, BLUE)]
    screener = a_screener(detail="full")
    for verdict, post in zip(screener.screen(posts), posts, strict=True):
        alone = screen_one(post, screener)
        assert verdict.id == alone.id
        assert verdict.modalities == alone.modalities
        for rule, expected in zip(verdict.rules, alone.rules, strict=True):
            assert rule.score == pytest.approx(expected.score, abs=2e-6)


def test_one_violating_window_among_many_harmless_ones_still_fires() -> None:
    calm = " ".join([HARMLESS] * 60)  # 360 words, seven windows and a bit
    assert screen_one(a_post("1", calm)).action == "allow"
    hidden = f"{calm} {'red fire ' * 25} {calm}"
    assert screen_one(a_post("1", hidden)).action == "block"


def test_a_text_beyond_the_limit_is_cut_reported_and_reviewed() -> None:
    screener = a_screener(limits=replace(LIMITS, max_text_characters=len(HARMLESS)))
    assert screen_one(a_post("1", HARMLESS), screener).action == "allow"
    verdict = screen_one(a_post("1", HARMLESS + "!"), screener)
    assert verdict.action == "review"
    assert verdict.modalities[-1] == ModalityReport(
        channel="text", status="truncated", code="text_too_long", reason="read 36 of 37 characters"
    )
    assert screen_one(a_post("1", "red fire " * 9), screener).action == "block"


def test_attachments_that_nobody_loaded_are_reported_and_the_post_reviewed() -> None:
    assert screen_one(a_post("1", None, GREEN, BLUE)).action == "allow"
    post = a_post("1", None, GREEN, BLUE, GREEN)
    verdict = screen_one(post._replace(attachments=(GREEN, BLUE)))
    assert (verdict.action, verdict.modalities[-1].code) == ("review", "too_many_media")
    assert reports(verdict) == {"text": "missing", "image": "truncated"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "media_empty"),
        (b"hello, I am a text", "not_an_image"),
        (RED[:50], "image_truncated"),
        (MediaError("media_too_large", "too large"), "media_too_large"),
        (TransientError("the host is away"), "unavailable"),
    ],
)
def test_an_image_that_cannot_be_read_is_named_and_the_post_reviewed(
    content: bytes | MediaError | TransientError, code: str
) -> None:
    media = (Media(id="good", url="http://x/1"), Media(id="bad", url="http://x/2"))
    verdict = screen_one(LoadedPost(Post(id="1", text=HARMLESS, media=media), (GREEN, content)))
    assert (verdict.action, verdict.rules) == ("review", ())
    assert (verdict.modalities[-1].media, verdict.modalities[-1].code) == ("bad", code)
    assert reports(verdict) == {"text": "read", "image": "read", "image/bad": "failed"}


def test_a_bad_image_takes_no_weight_off_what_was_read() -> None:
    assert screen_one(a_post("1", "red fire", b"junk")).action == "block"
    assert screen_one(a_post("1", None, b"junk", RED)).rules[0].channels["image"].media == "1"


def test_what_media_is_judged_by_are_its_bytes_and_not_what_it_is_said_to_be() -> None:
    post = Post(id="1", media=(Media(type="video/mp4", data=RED),))
    assert screen_one(LoadedPost(post, (RED,))).action == "block"


class Blind:
    """A decoder that finds nothing to see in a file, and no fault with it."""

    def prepare(self, content: bytes) -> Prepared:
        return Prepared([], 0)

    def close(self) -> None:
        pass


def test_media_in_which_a_decoder_sees_nothing_send_the_post_to_review() -> None:
    verdict = screen_one(a_post("1", "tomatoes", RED), a_screener(decoder=Blind()))
    assert (verdict.action, verdict.modalities[-1].code) == ("review", "nothing_seen")
    assert verdict.modalities[-1].media == "0"


@pytest.mark.parametrize("kind", ["audio", "application/pdf", ""])
def test_media_that_no_encoder_reads_sends_the_post_to_review(kind: str) -> None:
    post = Post(id="1", media=(Media(type=kind, data=RED),))
    verdict = screen_one(LoadedPost(post, (RED,)))
    report = verdict.modalities[-1]
    assert (verdict.action, report.channel, report.code) == ("review", "other", "unsupported_media")
    assert repr(kind) in (report.reason or "")


def test_images_in_a_space_of_texts_alone_send_the_post_to_review() -> None:
    space = fake_space(images=False)
    screener = a_screener(space=space)
    verdict = screen_one(a_post("1", HARMLESS, GREEN), screener)
    assert verdict.action == "review"
    assert reports(verdict) == {"text": "read", "image/0": "failed"}


def test_a_text_that_the_encoder_fails_on_harms_no_other() -> None:
    texts = [HARMLESS, "unencodable", "red fire", None, "unencodable words", HARMLESS]
    verdicts = a_screener().screen([a_post(str(n), text) for n, text in enumerate(texts)])
    assert actions(verdicts) == ["allow", "review", "block", "allow", "review", "allow"]
    assert {v.modalities[-1].code for v in verdicts if v.action == "review"} == {"inference_failed"}
    assert reports(verdicts[1]) == {"text": "failed", "image": "missing"}


def test_a_failed_text_beside_a_violating_image_is_still_blocked() -> None:
    verdict = screen_one(a_post("1", "unencodable", RED))
    assert verdict.action == "block"
    assert reports(verdict) == {"image": "read", "text": "failed"}


def test_a_shadow_rule_is_listed_and_does_not_act() -> None:
    rules = compiled(a_rule("trial", mode="shadow"))
    verdict = screen_one(a_post("1", "red fire"), a_screener(rules))
    assert (verdict.action, verdict.severity, crossed(verdict)) == ("allow", None, ["trial"])
    assert verdict.rules[0].shadow


def test_full_detail_lists_every_rule_best_first_and_decides_alike() -> None:
    rules = compiled(
        a_rule("sea", violates=["blue sea"]), a_rule("fire"), a_rule("shade", mode="off")
    )
    for text in (HARMLESS, "red fire"):
        few, full = (
            screen_one(a_post("1", text), a_screener(rules, detail=detail))
            for detail in ("crossed", "full")
        )
        assert (few.action, few.severity, few.id) == (full.action, full.severity, full.id)
        assert set(crossed(full)) == {"sea", "fire"}
        scores = [rule.score for rule in full.rules]
        assert scores == sorted(scores, reverse=True)
    assert crossed(few) == ["fire"]


def test_full_detail_of_a_post_without_content_holds_numbers_that_json_knows() -> None:
    verdict = screen_one(a_post("1"), a_screener(detail="full"))
    assert verdict.rules[0].score == 1e-6
    assert verdict.rules[0].channels == {}
    (rule,) = json.loads(encode_verdict(verdict))["rules"]
    assert rule["score"] >= 0


def test_what_came_with_the_post_goes_with_the_verdict() -> None:
    verdict = screen_one(a_post("1", None, surface="feed", meta={"shard": [1, 2]}))
    assert (verdict.surface, verdict.meta) == ("feed", {"shard": [1, 2]})


def test_a_verdict_is_about_the_post_it_judged_and_no_other_with_its_id() -> None:
    post = a_post("1", "red fire", meta={"shard": 1})
    verdict = decode_verdict(encode_verdict(screen_one(post)))
    other = a_post("1", "a lovely day", meta={"shard": 1})
    for sent in (verdict, deferred(verdict), replaced(verdict, amends="x", meta=None, rules=())):
        assert is_about(sent, post.post.digest)
        assert not is_about(sent, other.post.digest)
    policy = replaced(verdict.policy, digest="another")
    assert not is_about(replaced(verdict, policy=policy), post.post.digest)


def test_a_verdict_says_how_long_it_took() -> None:
    post = a_post("1", "red fire")._replace(received=time.perf_counter() - 1)
    timing = screen_one(post).timing_ms
    assert list(timing) == ["decode", "encode", "score", "total"]
    assert 1000 <= timing["total"] < 60_000
    assert sum(timing[stage] for stage in ("decode", "encode", "score")) < timing["total"]
