"""The ground that all models of a policy stand on."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

PLAIN_SHAPE, MAPPING_SHAPE = "<plain>", "<mapping>"
"""Marks in the way to a value that may be a word or a mapping; no key of a file looks like them."""


class Model(BaseModel):
    """Ground of all models of a policy: frozen, and no key that it does not name."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, serialize_by_alias=True
    )


def shape(value: Any) -> str:
    """Tell a mapping from everything else, so that an error speaks of the one that was meant."""
    return MAPPING_SHAPE if isinstance(value, Mapping | BaseModel) else PLAIN_SHAPE
