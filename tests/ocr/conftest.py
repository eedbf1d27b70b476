"""A reader over the real models, and pictures with text in them."""

import pytest

from moderator.ocr.base import OcrLimits
from moderator.ocr.reader import RapidReader


@pytest.fixture(scope="session")
def reader() -> RapidReader:
    reader = RapidReader(OcrLimits(seconds=60))
    reader.warm_up()
    return reader
