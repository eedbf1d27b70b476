"""The pages for authors of policies, in the order of the navigation."""

from typing import Final

from moderator.console import atlas, difference, playground, policies, search
from moderator.console.pages import Page

PAGES: Final[tuple[Page, ...]] = (
    policies.PAGE,
    playground.PAGE,
    difference.PAGE,
    atlas.PAGE,
    search.PAGE,
)
