"""Sharing out whole numbers."""

import pytest

from data_modules.synthetic.counts import apportion, clips_per_person


def test_whole_shares_come_back_as_they_are() -> None:
    assert apportion(442, [88, 32, 25, 70, 51, 43, 92, 26, 15]) == [88, 32, 25, 70, 51, 43, 92, 26, 15]


@pytest.mark.parametrize("total", [3, 4, 17, 100])
def test_numbers_sum_to_the_total_and_none_falls_below_the_least(total: int) -> None:
    counts = apportion(total, [100, 10, 1])
    assert sum(counts) == total
    assert min(counts) >= 1


def test_proportions_are_kept_to_within_one() -> None:
    assert apportion(20, [1, 2, 2]) == [4, 8, 8]


def test_too_small_a_total_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cannot be divided into 3 numbers of at least 1"):
        apportion(2, [1, 1, 1])


def test_people_have_unequal_numbers_of_clips_and_at_least_one() -> None:
    sizes = clips_per_person(164, 16)
    assert sum(sizes) == 164
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 38
    assert sizes[-1] == 1
