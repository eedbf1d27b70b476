"""The attention of a tower, from what the files beside it say."""

import json
from pathlib import Path
from typing import Any

import pytest

from moderator.models.optimize.fp16 import Attention, attention_of


@pytest.mark.parametrize(
    ("config", "image", "found"),
    [
        ({"vision_config": {"num_attention_heads": 12, "hidden_size": 768}}, True, (12, 768)),
        ({"text_config": {"num_attention_heads": 8, "hidden_size": 512}}, False, (8, 512)),
        ({"vision_cfg": {"width": 768}, "text_cfg": {"width": 512, "heads": 8}}, True, (12, 768)),
        ({"vision_cfg": {"width": 32, "head_width": 16}}, True, (2, 32)),
        ({"text_cfg": {"width": 512, "heads": 8}}, False, (8, 512)),
        ({"num_attention_heads": 12, "hidden_size": 384}, False, (12, 384)),
        ({"text_config": {"hidden_size": 512}}, False, (0, 0)),
        ({}, True, (0, 0)),
    ],
)
def test_heads_and_width_are_found_or_left_open(
    config: dict[str, Any], *, image: bool, found: tuple[int, int]
) -> None:
    assert attention_of(config, image=image) == Attention(*found)


@pytest.mark.parametrize("name", ["tiny-clip", "tiny-clip-immich", "tiny-siglip"])
def test_published_configs_say_it(shared: Path, name: str) -> None:
    config = json.loads((shared / "fixtures" / name / "config.json").read_bytes())
    assert attention_of(config, image=True).heads > 0
