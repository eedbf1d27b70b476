"""What a test does where a service cannot be had: it is skipped, but fails where `CI` is true."""

import os

import pytest

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


def without(reason: str) -> BaseException:
    """To be raised."""
    if IN_CI:
        return pytest.fail.Exception(reason, pytrace=False)
    return pytest.skip.Exception(reason)
