"""`moderator worker` with fake encoders that hang for as long as a file exists.

The file is `MODERATOR_TEST_STALL`.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from moderator import logs
from moderator.app import run_worker
from moderator.encoders.base import Encoded
from moderator.encoders.fake import FakeTextEncoder, fake_space
from moderator.settings import load_settings


class StallingEncoder(FakeTextEncoder):
    """Waits while the file is there."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        while Path(os.environ["MODERATOR_TEST_STALL"]).exists():
            time.sleep(0.05)
        self.encoded.clear()  # it would grow for as long as the worker runs
        return super().encode(texts)


if __name__ == "__main__":
    settings = load_settings()
    logs.configure(settings)
    run_worker(settings, replace(fake_space(), text=StallingEncoder()))
