import re
from typing import Any

import pytest
from pydantic import ValidationError

from moderator.settings import Settings, bundled


def test_what_is_bundled_is_there() -> None:
    assert (bundled("models/starter") / "space.json").is_file()
    assert list(bundled("policies").glob("*.yaml"))


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().partitions = 3


def test_every_setting_has_a_description_or_a_name_that_says_it() -> None:
    silent = {name for name, field in Settings.model_fields.items() if not field.description}
    assert silent <= {"posts_topic", "web_host", "web_port", "log_level"}


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_the_name_of_a_quantity_ends_in_its_unit(name: str) -> None:
    field: Any = Settings.model_fields[name]
    if field.annotation is float:
        assert re.search(r"_(seconds|ms|ratio)$", name)
