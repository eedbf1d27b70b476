from hypothesis import given, settings
from hypothesis import strategies as st

from moderator.stream.offsets import PartitionProgress


def test_nothing_is_committable_before_the_first_answer() -> None:
    progress = PartitionProgress()
    assert (progress.committable, progress.unanswered) == (None, 0)
    progress.start(7)
    assert (progress.committable, progress.unanswered) == (None, 1)


def test_the_offset_to_commit_is_that_of_the_next_message() -> None:
    progress = PartitionProgress()
    progress.start(7)
    progress.finish(7)
    assert (progress.committable, progress.unanswered) == (8, 0)


def test_an_answer_after_a_gap_waits_for_the_gap() -> None:
    progress = PartitionProgress()
    for offset in (5, 6, 7):
        progress.start(offset)
    progress.finish(7)
    progress.finish(6)
    assert (progress.committable, progress.unanswered) == (None, 1)
    progress.finish(5)
    assert (progress.committable, progress.unanswered) == (8, 0)


def test_offsets_that_a_compacted_topic_skips_are_no_gap() -> None:
    progress = PartitionProgress()
    for offset in (10, 13, 99):
        progress.start(offset)
    progress.finish(10)
    progress.finish(13)
    assert progress.committable == 14


@given(
    gaps=st.lists(st.integers(1, 3), max_size=30),
    first=st.integers(0, 5),
    data=st.data(),
)
@settings(max_examples=50, deadline=None)
def test_any_order_of_answers_commits_only_what_is_answered_without_a_gap(
    gaps: list[int], first: int, data: st.DataObject
) -> None:
    offsets = [first + sum(gaps[:place]) for place in range(len(gaps) + 1)]
    progress, started, finished = PartitionProgress(), list[int](), set[int]()
    while len(finished) < len(offsets):
        waiting = [offset for offset in started if offset not in finished]
        may_start = len(started) < len(offsets)
        if may_start and (not waiting or data.draw(st.booleans())):
            started.append(offsets[len(started)])
            progress.start(started[-1])
        else:
            offset = data.draw(st.sampled_from(waiting))
            finished.add(offset)
            progress.finish(offset)
        unanswered = [offset for offset in started if offset not in finished]
        answered = [o for o in started if not unanswered or o < unanswered[0]]
        assert progress.committable == (answered[-1] + 1 if answered else None)
        assert progress.unanswered == len(unanswered)
