"""`moderator worker` with encoders that need no models: what the stream tests start and kill."""

import logging

from moderator.app import run_worker
from moderator.encoders.fake import fake_space
from moderator.settings import load_settings

if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    run_worker(load_settings(), fake_space())
