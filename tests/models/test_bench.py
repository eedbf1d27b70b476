"""Figures of the speed of encoders: what they are depends on the machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from moderator.encoders.base import Space
from moderator.encoders.fake import FakeTextEncoder, fake_space
from moderator.errors import StartupError
from moderator.models.bench import Speed, measure, plot

SPEEDS = [Speed("images", size, 2.0 * size, 3.0, 100.0, 150.0) for size in (1, 2, 4)]


def test_every_length_and_every_batch_is_measured(space: Space) -> None:
    speeds = list(measure(space, batches=(1, 3), words=(2, 5), seconds=0.001))
    assert [(speed.what, speed.batch) for speed in speeds] == [
        ("texts of 2 words", 1),
        ("texts of 2 words", 3),
        ("texts of 5 words", 1),
        ("texts of 5 words", 3),
        ("images", 1),
        ("images", 3),
    ]
    for speed in speeds:
        assert 0 < speed.median_ms <= speed.p95_ms
        assert speed.alone_per_second > 0
        assert speed.per_second > 0
    assert isinstance(space.text, FakeTextEncoder)
    assert {len(text.split()) for text in space.text.encoded} == {2, 5}


def test_a_space_without_images_has_none_measured() -> None:
    speeds = measure(fake_space(images=False), batches=(1,), words=(2,), seconds=0.001)
    assert [speed.what for speed in speeds] == ["texts of 2 words"]


def test_the_figures_are_drawn(tmp_path: Path) -> None:
    plot(SPEEDS, "a model", tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as drawn:
        assert drawn.format == "PNG"
        assert drawn.width > drawn.height > 100
        assert len(set(drawn.convert("L").resize((60, 30)).tobytes())) > 10  # not blank


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(StartupError, match=r"'\.\[plot\]'"):
        plot(SPEEDS, "a model", tmp_path / "plot.png")


def test_the_command_prints_figures_of_the_shipped_model(starter: Path) -> None:
    arguments = ["models", "bench", str(starter), "--batch", "1", "--words", "3"]
    command = [sys.executable, "-m", "moderator", *arguments, "--seconds", "0.01", "--json"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert [row["what"] for row in json.loads(done.stdout)] == ["texts of 3 words", "images"]
