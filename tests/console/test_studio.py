"""What the pages for authors share."""

import json
from pathlib import Path

import pytest

from moderator.console.studio import Images
from moderator.errors import InputError
from tests.builders import a_policy, a_rule
from tests.console.asking import asking
from tests.console.conftest import Serve
from tests.console.serving import eventually


def test_a_policy_file_that_changes_is_shown_and_one_that_is_wrong_is_not(
    serve: Serve, policies_file: Path
) -> None:
    console = serve()
    with asking(console) as ask:
        assert "New flames" not in ask.get("/policies").text
        policies_file.write_text(json.dumps(a_policy(a_rule(title="New flames"))))
        eventually(lambda: "New flames" in ask.get("/policies").text)
        policies_file.write_text("policy: [")
        for _ in range(4):
            answer = ask.get("/policies")
            assert answer.status_code == 200
            assert "New flames" in answer.text


def test_the_latest_images_are_kept_and_no_more_bytes_than_there_is_room_for() -> None:
    images = Images(most_bytes=10)
    first, second = images.put(b"12345"), images.put(b"67890")
    assert images.put(b"12345") == first  # used again, so the other one gives way
    images.put(b"x")
    assert images.get(first) == b"12345"
    assert images.get(None) is None
    with pytest.raises(InputError, match="choose it again"):
        images.get(second)
