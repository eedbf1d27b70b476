"""The script for GPUs, where there is none."""

import json
from pathlib import Path

import pytest

from tests.bench.gpu import main, multiply_adds

QUICK = ["--seconds=0.001", "--photographs=3", "--variant=fp32", "--batch=1", "--batch=2"]


def test_every_figure_is_there_on_a_cpu_too(
    starter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(starter), "--provider", "cpu", *QUICK])
    table = capsys.readouterr().out
    for what in ("texts, batch 2", "images, batch 2", "decode and prepare", "end to end"):
        assert what in table


def test_a_provider_that_is_not_there_is_a_line_and_not_the_end(
    starter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(starter), "--provider", "tensorrt", "--provider", "cpu", *QUICK])
    table = capsys.readouterr().out
    assert "starter, tensorrt | not measured | provider 'tensorrt' was asked for" in table
    assert "starter, cpu | images, batch 1 |" in table


@pytest.mark.parametrize(
    ("width", "layers", "patch", "expected"), [(768, 12, 32, 4.41e9), (1024, 24, 14, 81.0e9)]
)
def test_multiply_adds_are_those_of_the_architecture(
    tmp_path: Path, width: int, layers: int, patch: int, expected: float
) -> None:
    vision = {"hidden_size": width, "num_hidden_layers": layers, "patch_size": patch}
    config = {"vision_config": {**vision, "image_size": 224}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert multiply_adds(tmp_path) == pytest.approx(expected, rel=0.01)
    assert multiply_adds(tmp_path / "nowhere") is None
