"""What is taken out of a post for the encoders."""

import io

import pytest
from PIL import Image

from tests.builders import a_post, a_rule, a_screener, compiled, picture, screen_one


@pytest.mark.parametrize(("hidden", "shown"), [((0, 0, 0), "white"), ((255, 255, 255), "black")])
def test_a_picture_that_only_transparency_shows_is_seen(
    hidden: tuple[int, int, int], shown: str
) -> None:
    """The colours are all `hidden`; what a viewer sees is what lies behind them."""
    file = io.BytesIO()
    Image.new("RGBA", (16, 16), (*hidden, 0)).save(file, "PNG")
    screener = a_screener(compiled(a_rule(violates=[shown])))

    assert screen_one(a_post("1", None, file.getvalue()), screener).action == "block"


def test_an_opaque_picture_is_seen_once() -> None:
    verdict = screen_one(a_post("1", None, picture("red")))
    assert [report.status for report in verdict.modalities if report.channel == "image"] == ["read"]
