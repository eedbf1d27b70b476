"""`moderator policy calibrate` from arguments to exit code, with the models that ship."""

import json
from pathlib import Path

import pytest

from tests.cli.running import Moderator

STORMS = """policy: weather
version: 1
rules:
  - id: storms
    title: Storms
    severity: low
    action: review
    threshold: {precision: PRECISION}
    channels: [text]
    violates: [A heavy storm with thunder and lightning is coming., The storm tore the roof off.]
    allows: [A recipe for apple pie., A film about two friends.]
"""


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Twelve storms, and twelve pies that nobody takes for any."""
    path = tmp_path / "labels.jsonl"
    texts = {"Storm {n} with thunder is on its way.": 1, "Pie {n} is still in the oven.": 0}
    path.write_text(
        "".join(
            json.dumps(
                {
                    "post": {"id": f"{label}-{n}", "text": text.format(n=n)},
                    "labels": {"storms": label},
                }
            )
            + "\n"
            for text, label in texts.items()
            for n in range(12)
        )
    )
    return path


def test_a_precision_that_labels_can_promise_puts_a_rule_in_force(
    moderator: Moderator, labels: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "weather.yaml"
    policy.write_text(STORMS.replace("PRECISION", "0.5"))
    ran = moderator("policy", "calibrate", policy, "--labels", labels)
    assert ran.code == 0, ran.out
    assert b"precision 0.5: from score 0." in ran.out
    assert b"where 12 of 12 posts violate" in ran.out
    post = b'{"id": "1", "text": "What a lovely day in the garden."}'
    verdict = json.loads(moderator("screen", "--policy", policy, "-", given=post).out)
    assert verdict["action"] == "allow"


def test_a_precision_that_they_cannot_ends_with_one_and_how_many_it_takes(
    moderator: Moderator, labels: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "weather.yaml"
    policy.write_text(STORMS.replace("PRECISION", "0.9"))
    ran = moderator("policy", "calibrate", policy, "--labels", labels)
    assert ran.code == 1
    assert b"precision 0.9: needs 29 posts labelled 1 at the very least, has 12" in ran.out
    refused = moderator("screen", "--policy", policy, "-", given=b"")
    assert (refused.code, "was not calibrated for `precision 0.9`" in refused.err) == (2, True)
