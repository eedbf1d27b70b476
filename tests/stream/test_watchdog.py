"""A worker that gets nowhere ends itself, whatever hangs."""

from tests.stream.stub import stub


def test_a_worker_that_gets_nowhere_ends_itself() -> None:
    with stub("hang", stall_seconds="50") as worker:
        code, said = worker.ended()
    assert code == 71
    assert "the worker ends itself" in said


def test_one_that_works_is_left_alone() -> None:
    with stub("work", stall_seconds="0.1") as worker:
        assert worker.status("health") == 200
        assert worker.told_to_end() == 0
