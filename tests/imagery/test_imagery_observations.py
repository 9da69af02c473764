from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocage.imagery import _observations
from bocage.imagery._months import days_off
from bocage.imagery._observations import Day, Observations
from bocage.imagery._settings import Slot


def filled(count, bands=("B02", "B08"), shape=(7, 5), seed=0):
    rng = np.random.default_rng(seed)
    images = rng.random((count, len(bands), *shape), dtype=np.float32)
    images[rng.random((count, 1, *shape)).repeat(len(bands), 1) < 0.3] = np.nan
    seen = Observations(bands, shape)
    for number, image in enumerate(images):
        seen.add(Day(date(2021, 5, 1 + number), 0, True, (f"i{number}",)), image)
    return seen, images


@pytest.mark.parametrize("limit", [1, 2**20])
def test_what_was_added_is_read_back(limit, monkeypatch):
    """Also from the file that it goes to once it is large."""
    monkeypatch.setattr(_observations, "IN_MEMORY", limit)
    seen, images = filled(4)
    with seen:
        assert len(seen) == 4
        assert np.array_equal(seen.stack(range(4)), images, equal_nan=True)
        part = seen.stack([2, 0], ["B08"], slice(2, 6))
        assert np.array_equal(part, images[[2, 0]][:, [1], 2:6], equal_nan=True)


def test_what_is_ruled_out_is_nan_and_stays_so_when_read_again():
    seen, images = filled(2)
    with seen:
        seen.usable[1][0, :] = False
        assert np.isnan(seen.stack([1])[0, :, 0]).all()
        seen.replace(1, np.full_like(images[1], 0.5))
        again = seen.stack([1])[0]
        assert np.isnan(again[:, 0]).all()
        assert (again[:, 1:] == 0.5).sum() == 2 * np.isfinite(images[1, 0, 1:]).sum()


@given(st.integers(1, 400), st.integers(1, 600), st.integers(1, 12), st.integers(0, 20))
def test_strips_cover_all_rows_once(dates, height, bands, beside):
    seen = Observations(("B02",), (height, 300))
    rows = [r for s in seen.strips(range(dates), bands, beside) for r in range(s.start, s.stop)]
    assert rows == list(range(height))


@pytest.mark.parametrize(
    ("day", "month", "expected"),
    [
        (date(2021, 5, 1), 5, -15.0),
        (date(2021, 5, 16), 5, 0.0),
        (date(2021, 5, 31), 5, 15.0),
        (date(2021, 2, 28), 2, 13.5),
        (date(2021, 1, 1), 12, 16.0),
        (date(2020, 12, 31), 1, -16.0),
    ],
)
def test_days_from_the_middle_of_the_month(day, month, expected):
    assert days_off(day, Slot(month, (2021,))) == expected
