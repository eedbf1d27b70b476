"""`moderator policy new`: a first policy that checks, passes its tests and shows how to go on."""

from pathlib import Path

from moderator.errors import StartupError
from moderator.policy.load import load_policies

_TEMPLATE = """\
policy: {name}
version: 1 # change it whenever the rules change; every verdict carries it
owner: trust-and-safety
description: What this policy is for, in a sentence.

defaults:
  channels: [text] # or [text, image]
  severity: medium # low, medium, high or critical
  action: review # what happens from the threshold on: review, or block
  threshold: 0.6 # the score from which the action is taken
  review_at: 0.3 # the score from which a person looks
  mode: shadow # only reports; remove this line when the numbers are good

rules:
  - id: scams
    title: Money scams
    violates: # sentences that describe it, and sentences such a post says
      - A promise of guaranteed profit to get people to send money.
      - Send me 100 dollars in bitcoin and I will send back 1,000 within an hour.
      - You have won a prize, pay a small fee now to receive it.
    allows: # what comes close and is fine
      - A warning that explains how a fraud works so that others do not fall for it.
      - How do I start to save money each month?
    examples: # posts to test the rule with: moderator policy test {file}
      violates:
        - Double your bitcoin today, send any amount and get twice as much back.
      allows:
        - Which savings account has the best interest rate this year?
"""


def template(name: str) -> str:
    """A first policy, as text."""
    return _TEMPLATE.format(name=name, file=f"{name}.yaml")


def write_new(name: str, path: Path) -> None:
    """Write a policy file. Raises StartupError, and leaves nothing behind then."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.format(name=name, file=path))
    except FileExistsError as error:
        raise StartupError(f"{path}: is there already; give another --to") from error
    except OSError as error:
        raise StartupError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        load_policies([path])
    except StartupError:  # a name that no policy may have
        path.unlink()
        raise
