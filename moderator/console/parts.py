"""The parts of a running console, as handlers get them."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.templating import Jinja2Templates

from moderator.console.bench import Bench
from moderator.console.cases import Cases
from moderator.console.feed import Feed
from moderator.console.journal import Journal
from moderator.console.live import Hub
from moderator.console.media import Pictures
from moderator.console.pages import Page
from moderator.console.state import State
from moderator.settings import Settings


@dataclass(frozen=True)
class Parts:
    """Built by `app.py`."""

    settings: Settings
    state: State
    cases: Cases
    journal: Journal
    feed: Feed
    hub: Hub
    bench: Bench
    pictures: Pictures
    pages: Sequence[Page]
    templates: Jinja2Templates
