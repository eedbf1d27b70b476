import json
from collections import Counter

import pytest

from moderator.demo.samples.everyday import EVERYDAY, LOOKALIKES
from moderator.demo.samples.faults import FAULTS
from moderator.demo.samples.offences import OFFENCES
from moderator.demo.samples.pictures import PICTURES
from moderator.demo.samples.posts import Draft, Sample, drafts, sample_posts
from moderator.demo.samples.uploads import MAX_BYTES
from moderator.errors import MediaError, PostError
from moderator.media.decode import DecodeLimits, decode
from moderator.policy.load import load_policies
from moderator.posts import Post, decode_post
from moderator.settings import bundled

COUNT = 240
UNREADABLE = {
    "attachment that is no image": "not_an_image",
    "truncated PNG": "image_truncated",
    "decompression bomb": "image_too_large",
    "video attachment": "format_refused",
}


@pytest.fixture(scope="module")
def written() -> list[Draft]:
    return drafts(COUNT)


def decoded(sample: Sample) -> Post:
    return decode_post(sample.value, max_bytes=16 * 2**20, max_meta_bytes=64 * 2**10)


def posts_of(written: list[Draft]) -> list[Post]:
    return [decoded(draft.sample) for draft in written if draft.is_post]


def broken(written: list[Draft], what: str) -> Sample:
    return next(d.sample for d in written if d.kind == "broken" and d.sample.what == what)


def test_the_same_seed_gives_the_same_posts() -> None:
    assert sample_posts(30) == sample_posts(30)


def test_another_seed_gives_others() -> None:
    assert sample_posts(12, seed=8) != sample_posts(12, seed=9)


@pytest.mark.parametrize("count", [1, 10, 40])
def test_there_are_as_many_as_were_asked_for_each_with_its_own_id(count: int) -> None:
    assert len({sample.id for sample in sample_posts(count)}) == count


def test_most_are_harmless_and_some_of_each_other_kind(written: list[Draft]) -> None:
    kinds = Counter(draft.kind for draft in written)
    assert kinds == {"everyday": 168, "offence": 48, "look-alike": 12, "broken": 12}


def test_there_are_texts_pictures_both_and_neither(written: list[Draft]) -> None:
    shapes = {(bool(post.text), bool(post.media)) for post in posts_of(written)}
    assert shapes == {(True, True), (True, False), (False, True), (False, False)}


def test_every_surface_is_there(written: list[Draft]) -> None:
    surfaces = {post.surface for post in posts_of(written)}
    assert surfaces == {"feed", "comment", "listing", "kids", None, "hologram"}


def test_every_offending_topic_is_there(written: list[Draft]) -> None:
    assert {draft.rule for draft in written} - {""} == {topic.rule for topic in OFFENCES}


def test_offences_name_rules_that_exist() -> None:
    known = {f"{policy.name}/{rule.id}" for policy, rule in load_policies([bundled("policies")])}
    assert {topic.rule for topic in OFFENCES} <= known


def test_topics_name_pictures_that_exist() -> None:
    topics = [*OFFENCES, *LOOKALIKES, *(t for topics in EVERYDAY.values() for t in topics)]
    assert {name for topic in topics for name in topic.pictures} == PICTURES.keys()


def test_no_sentence_is_sent_often(written: list[Draft]) -> None:
    texts = Counter(post.text for post in posts_of(written) if post.text)
    assert max(texts.values()) <= 4
    assert len(texts) > 0.85 * sum(texts.values())


def test_what_is_no_broken_one_is_read_in_full(written: list[Draft]) -> None:
    for draft in written:
        if draft.kind != "broken":
            for item in decoded(draft.sample).media:
                assert item.data is not None
                assert min(decode(item.data, DecodeLimits()).size) >= 64


def test_the_pictures_come_in_many_formats(written: list[Draft]) -> None:
    media = [item for post in posts_of(written) for item in post.media]
    assert {i.type for i in media} >= {"image/jpeg", "image/png", "image/webp", "image/gif"}
    whats = " ".join(draft.sample.what for draft in written)
    assert all(quirk in whats for quirk in ("EXIF rotation", "palette", "alpha", "CMYK", "16 bit"))


def test_all_fit_into_the_embedded_broker(written: list[Draft]) -> None:
    sizes = [len(draft.sample.value) for draft in written]
    assert max(sizes) < 4 * MAX_BYTES / 3 + 1_000
    assert sum(sizes) < 6_000_000


def test_every_way_to_be_broken_is_there(written: list[Draft]) -> None:
    assert {d.sample.what for d in written if d.kind == "broken"} == {f.what for f in FAULTS}


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("truncated JSON", "not_json"),
        ("wrong types", "not_a_post"),
        ("no id", "not_a_post"),
        ("not UTF-8", "not_utf8"),
    ],
)
def test_what_is_no_post_is_refused(written: list[Draft], what: str, code: str) -> None:
    with pytest.raises(PostError) as caught:
        decoded(broken(written, what))
    assert caught.value.code == code


@pytest.mark.parametrize(("what", "code"), UNREADABLE.items())
def test_an_attachment_that_is_no_picture_is_refused(
    written: list[Draft], what: str, code: str
) -> None:
    (item,) = decoded(broken(written, what)).media
    assert item.data is not None
    with pytest.raises(MediaError) as caught:
        decode(item.data, DecodeLimits())
    assert caught.value.code == code


def test_the_oversized_ones_are_oversized(written: list[Draft]) -> None:
    assert len(decoded(broken(written, "oversized text")).text or "") > 20_000
    assert len(decoded(broken(written, "30 attachments")).media) == 30


def test_a_bomb_is_a_small_file(written: list[Draft]) -> None:
    assert len(broken(written, "decompression bomb").value) < 500


def test_a_post_says_nothing_of_what_it_is_meant_to_be(written: list[Draft]) -> None:
    fields = {key for d in written if d.kind != "broken" for key in json.loads(d.sample.value)}
    assert fields == {"id", "author", "surface", "text", "lang", "media", "created_at"}
