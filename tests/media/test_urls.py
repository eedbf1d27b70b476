import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderator.errors import MediaError
from moderator.media.urls import HttpUrl


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("http://media.example", "http://media.example", "/"),
        ("HTTPS://Media.Example:443/A?b=c#d", "https://media.example", "/A?b=c"),
        ("http://media.example.:8080/", "http://media.example:8080", "/"),
        ("  http://media.example/a b.jpg ", "http://media.example", "/a%20b.jpg"),
        ("http://media.example/é%20?q=ü", "http://media.example", "/%C3%A9%20?q=%C3%BC"),
        ("http://bücher.example/", "http://xn--bcher-kva.example", "/"),
        ("http://[2606:4700::1]:80/", "http://[2606:4700::1]", "/"),
        ("http://under_score.example/", "http://under_score.example", "/"),
    ],
)
def test_a_url_is_taken_apart(url: str, origin: str, target: str) -> None:
    parsed = HttpUrl.parse(url)
    assert (parsed.origin, parsed.target) == (origin, target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "media.example/a.jpg",
        "//media.example/a.jpg",
        "javascript:alert(1)",
        "ftp://media.example/",
        "gopher://media.example/",
        "http:///a.jpg",
        "http://:80/",
        "http://user@media.example/",
        "http://user:pass@media.example/",
        "http://@media.example/",
        "http://media.example\\@10.0.0.1/",
        "http://media.example/\r\nHost: other",
        "http://media.exa\tmple/",
        "http://media.example/\x00",
        "http://media.example:0x50/",
        "http://media.example:99999/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://media..example/",
        "http://.media.example/",
        "http://me dia.example/",
        "http://media.example%2e/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 127 + "example/",
        "http://media.example/" + "a" * 9000,
    ],
)
def test_a_url_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(MediaError) as caught:
        HttpUrl.parse(url)
    assert caught.value.code == "url_refused"


def test_a_url_shows_neither_query_nor_endless_paths() -> None:
    assert str(HttpUrl.parse("https://media.example/a?token=1#f")) == "https://media.example/a"
    assert len(str(HttpUrl.parse("https://media.example/" + "a" * 5000))) == 200


@given(st.text(max_size=60).map("http://{}".format) | st.text())
def test_no_text_raises_anything_else(url: str) -> None:
    try:
        parsed = HttpUrl.parse(url)
    except MediaError:
        return
    assert f"{parsed.host}{parsed.target}".isascii()
    assert not set(f"{parsed.host}{parsed.target}") & set(" \r\n\t\\")
