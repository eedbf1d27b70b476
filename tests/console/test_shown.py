"""Posts with the actions of their verdicts, whichever came first."""

from moderator.console.records import entry, keep
from moderator.console.shown import latest_actions
from moderator.console.state import State
from tests.console.serving import a_post, a_verdict
from tests.console.test_cases import state

__all__ = ["state"]  # the fixture


async def test_a_post_has_the_action_of_its_own_verdict_even_if_it_came_after_it(
    state: State,
) -> None:
    early, late, other = a_post("1"), a_post("2"), a_post("2", "a lovely day")
    kept = [keep(post, 0, place, 1_000) for place, post in enumerate((early, late, other))]
    await state.add_entries(
        [
            entry(a_verdict(early, "allow"), 1_000, kept[0]),
            entry(a_verdict(late, "block"), 2_000, None),
        ]
    )
    await state.add_posts([kept[0], kept[2]])
    assert await latest_actions(state, 10) == {kept[0].digest: "allow"}
    await state.add_posts([kept[1]])
    assert await latest_actions(state, 10) == {kept[0].digest: "allow", kept[1].digest: "block"}
