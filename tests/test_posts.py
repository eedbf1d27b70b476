import base64
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderator.errors import PostError
from moderator.posts import Media, Post, decode_post

MEBIBYTE = 2**20


def decode(value: bytes | None, **limits: int) -> Post:
    return decode_post(value, **{"max_bytes": 16 * MEBIBYTE, "max_meta_bytes": 65_536} | limits)


def encoded(**fields: Any) -> bytes:
    return json.dumps({"id": "1", **fields}).encode()


def refused(value: bytes | None, **limits: int) -> tuple[str, str]:
    """The code and the message of the refusal."""
    with pytest.raises(PostError) as caught:
        decode(value, **limits)
    return caught.value.code, str(caught.value)


def test_every_field_is_decoded() -> None:
    post = decode(
        encoded(
            text="hello",
            media=[{"id": "m", "type": "image/png", "data": base64.b64encode(b"bytes").decode()}],
            author="a",
            surface="feed",
            lang="de",
            created_at="2024-01-02T03:04:05Z",
            meta={"k": [1, None, {"x": 0.5}]},
        )
    )
    assert post == Post(
        id="1",
        text="hello",
        media=(Media(id="m", type="image/png", data=b"bytes"),),
        author="a",
        surface="feed",
        lang="de",
        created_at=datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        meta={"k": [1, None, {"x": 0.5}]},
    )


def test_an_id_alone_is_a_post() -> None:
    assert decode(b'{"id": "1"}') == Post(id="1")


def test_unknown_fields_are_ignored() -> None:
    assert decode(encoded(text="a", likes=3, media=[{"url": "http://x", "alt": "?"}])) == Post(
        id="1", text="a", media=(Media(url="http://x"),)
    )


@pytest.mark.parametrize("value", [None, b""])
def test_a_message_without_value_is_called_empty(value: bytes | None) -> None:
    assert refused(value)[0] == "empty"


@pytest.mark.parametrize("value", [b" ", b'{"id": "1"', b'{"id": "1"} x', b"hello", b"{'id': 1}"])
def test_what_is_no_json_is_called_so(value: bytes) -> None:
    assert refused(value)[0] == "not_json"


@pytest.mark.parametrize(
    "value", [b'{"id":"1","text":"\xff"}', b'{"id":"1","text":"\xed\xa0\x80"}']
)
def test_text_that_is_not_utf8_is_called_so(value: bytes) -> None:
    assert refused(value)[0] == "not_utf8"


@pytest.mark.parametrize("value", ['"\\ud800"', '"\\udfff\\ud800"'])
def test_half_a_surrogate_pair_is_refused_because_no_verdict_could_carry_it(value: str) -> None:
    assert refused(f'{{"id": {value}}}'.encode())[0] in {"not_json", "not_utf8"}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"id": 1}, "$.id"),
        ({"id": ""}, "$.id"),
        ({"id": None}, "$.id"),
        ({"id": "x" * 513}, "$.id"),
        ({"text": 5}, "$.text"),
        ({"text": ["a"]}, "$.text"),
        ({"media": {}}, "$.media"),
        ({"media": ["x"]}, "$.media[0]"),
        ({"media": [{"url": 1}]}, "$.media[0].url"),
        ({"media": [{"url": "http://x", "type": None}]}, "$.media[0].type"),
        ({"media": [{"data": "@@@"}]}, "$.media[0].data"),
        ({"author": 1}, "$.author"),
        ({"surface": []}, "$.surface"),
        ({"created_at": "yesterday"}, "$.created_at"),
        ({"meta": "text"}, "$.meta"),
        ({"meta": [1]}, "$.meta"),
    ],
)
def test_a_wrong_type_is_refused_and_its_field_named(fields: dict[str, Any], place: str) -> None:
    code, message = refused(encoded(**fields))
    assert code == "not_a_post"
    assert message.endswith(f"at `{place}`")


@pytest.mark.parametrize("value", [b"null", b"[]", b"1", b'"text"', b"true", b"{}"])
def test_json_that_is_no_object_with_an_id_is_no_post(value: bytes) -> None:
    assert refused(value)[0] == "not_a_post"


@pytest.mark.parametrize("media", [{}, {"url": "http://x/a.png", "data": "AAAA"}, {"id": "x"}])
def test_an_attachment_has_exactly_one_of_url_and_data(media: dict[str, str]) -> None:
    code, message = refused(encoded(media=[{"url": "http://x"}, media]))
    assert code == "not_a_post"
    assert "exactly one of `url` and `data`" in message
    assert "$.media[1]" in message


def test_a_post_may_be_as_large_as_the_limit_and_no_larger() -> None:
    value = encoded(text="x" * 100)
    assert decode(value, max_bytes=len(value)).text == "x" * 100
    code, message = refused(value, max_bytes=len(value) - 1)
    assert code == "too_large"
    assert f"{len(value)}" in message


def test_meta_may_be_as_large_as_the_limit_and_no_larger() -> None:
    value = encoded(meta={"k": "ü"})  # {"k":"ü"} is 10 bytes as compact UTF-8
    assert decode(value, max_meta_bytes=10).meta == {"k": "ü"}
    assert refused(value, max_meta_bytes=9)[0] == "meta_too_large"


def test_five_megabytes_of_text_are_decoded() -> None:
    assert len(decode(encoded(text="word " * MEBIBYTE)).text or "") == 5 * MEBIBYTE


def test_two_hundred_attachments_are_decoded() -> None:
    media = [{"url": f"https://x/{place}"} for place in range(200)]
    assert [item.url for item in decode(encoded(media=media)).media] == [m["url"] for m in media]


@pytest.mark.parametrize("bracket", [(b"[", b"]"), (b'{"a":', b"1}")])
@pytest.mark.parametrize("field", [b"meta", b"unknown", b"text"])
def test_json_nested_without_end_is_refused(field: bytes, bracket: tuple[bytes, bytes]) -> None:
    opening, closing = bracket
    deep = opening * 50_000 + closing * 50_000
    assert refused(b'{"id":"1","' + field + b'":{"a":' + deep + b"}}")[0] in {
        "not_json",
        "not_a_post",
    }


@pytest.mark.parametrize("depth", [70, 500, 900, 990])
def test_meta_too_deep_to_be_written_again_is_refused_at_once(depth: int) -> None:
    value = b'{"id":"1","meta":{"a":' + b"[" * depth + b"]" * depth + b"}}"
    assert refused(value)[0] in {"meta_too_large", "not_json"}


def test_meta_of_ordinary_depth_is_kept() -> None:
    nested: Any = 1
    for _ in range(60):
        nested = [nested]
    assert decode(encoded(meta={"a": nested})).meta == {"a": nested}


def test_the_digest_does_not_depend_on_order_or_spacing() -> None:
    one = decode(b'{"id":"1","text":"a","meta":{"x":1,"y":{"p":1,"q":2}}}')
    other = decode(b' { "meta" : {"y":{"q":2, "p":1},"x":1},\n "text": "a", "id": "1", "new": 0 } ')
    assert one.digest == other.digest
    assert len(one.digest) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"text": "b"},
        {"id": "2"},
        {"media": [{"data": "AAAA"}]},
        {"meta": {"x": 2}},
        {"surface": "feed"},
        {"lang": "en"},
    ],
)
def test_the_digest_depends_on_the_content(change: dict[str, Any]) -> None:
    assert decode(encoded(text="a")).digest != decode(encoded(**{"text": "a", **change})).digest


@pytest.mark.parametrize(
    ("given_type", "modality"),
    [("image", "image"), ("IMAGE/PNG", "image"), ("video/mp4", "video"), ("", ""), ("/", "")],
)
def test_the_modality_is_the_type_before_the_slash(given_type: str, modality: str) -> None:
    assert Media(type=given_type, url="http://x").modality == modality


texts = st.none() | st.text(max_size=20)
media = st.builds(Media, id=st.none() | st.text(min_size=1, max_size=5), url=st.text(max_size=10))
media |= st.builds(Media, data=st.binary(max_size=20))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
posts = st.builds(
    Post,
    id=st.text(min_size=1, max_size=20),
    text=texts,
    media=st.lists(media, max_size=3).map(tuple),
    author=texts,
    surface=texts,
    lang=texts,
    created_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    meta=st.none() | st.dictionaries(st.text(max_size=3), json_values, max_size=3),
)


@given(posts)
@settings(max_examples=60, deadline=None)
def test_a_post_survives_being_sent(post: Post) -> None:
    again = decode(msgspec.json.encode(post))
    assert again == post
    assert again.digest == post.digest


pieces = st.sampled_from([b'{"id":"1",', b'"text":', b'"\xc3', b"[" * 9, b"\\u", b"1e999", b"}"])


@given(st.binary(max_size=60) | st.lists(pieces | st.binary(max_size=4)).map(b"".join))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_post_or_a_post_error(value: bytes) -> None:
    try:
        assert isinstance(decode(value), Post)
    except PostError as error:
        assert error.code in {"empty", "not_json", "not_utf8", "not_a_post"}  # noqa: PT017


@given(st.binary(max_size=4), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_a_post_with_bytes_overwritten_is_a_post_or_a_post_error(junk: bytes, at: int) -> None:
    value = bytearray(encoded(text="hello", media=[{"data": "AAAA"}], meta={"a": 1}))
    value[at : at + len(junk)] = junk
    with suppress(PostError):
        assert isinstance(decode(bytes(value)), Post)


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**400])
def test_a_number_of_any_size_in_meta_is_no_reason_to_lose_a_post(number: int) -> None:
    value = b'{"id": "1", "meta": {"big": %d}}' % number
    post, same = (
        decode_post(each, max_bytes=1000, max_meta_bytes=1000)
        for each in (value, value.replace(b" ", b""))
    )
    assert post.digest == same.digest
    assert len(post.digest) == 32


@pytest.mark.parametrize(
    ("author", "tier"),
    [(b'"ann"', None), (b'{"id": "ann", "tier": "new"}', "new"), (b'{"tier": "staff"}', "staff")],
)
def test_an_author_is_an_id_or_an_object_with_a_tier(author: bytes, tier: str | None) -> None:
    value = b'{"id": "1", "author": ' + author + b"}"
    assert decode_post(value, max_bytes=1000, max_meta_bytes=10).tier == tier


def test_a_post_says_what_it_holds() -> None:
    image = Media(type="image/png", data=b"x")
    assert Post(id="1", text="x", media=(image,)).modalities == {"text", "image"}
    assert Post(id="1", text="").modalities == set()


@pytest.mark.parametrize(
    ("said", "held"),
    [("image/png", {"image"}), ("video/x", {"image"}), ("Video", {"image"}), ("audio", set())],
)
def test_it_holds_what_the_channels_read_of_it_whatever_it_is_said_to_be(
    said: str, held: set[str]
) -> None:
    assert Post(id="1", media=(Media(type=said, data=b"x"),)).modalities == held
