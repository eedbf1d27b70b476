"""What is counted of decisions."""

import pytest

from moderator.console.work import agreement, rows


def test_agreement_is_beyond_chance() -> None:
    # Worked example: 20 + 15 of 50 the same, chance 0.5, so kappa (0.7 - 0.5) / (1 - 0.5).
    found = agreement(
        {
            ("allow", "allow"): 20,
            ("allow", "block"): 5,
            ("block", "allow"): 10,
            ("block", "block"): 15,
        }
    )
    assert found is not None
    assert found.posts == 50
    assert found.share == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_without_second_looks_there_is_no_agreement() -> None:
    assert agreement({}) is None


def test_where_all_say_the_same_kappa_is_not_defined() -> None:
    found = agreement({("allow", "allow"): 3})
    assert found is not None
    assert (found.share, found.kappa) == (1.0, None)


def test_work_is_listed_by_day_and_person_with_the_mean_time() -> None:
    (row,) = rows({"2026-01-02": {"ada": {"allow": 2, "block": 1, "seconds": 30.0}}})
    assert (row.reviewer, row.counts, row.total, row.seconds) == ("ada", (2, 1, 0), 3, 10.0)
