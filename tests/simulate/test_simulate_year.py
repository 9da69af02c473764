import numpy as np
import pytest

from bocage.grid import list_regions
from bocage.simulate._catalog import baseline, counts, image_time
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._tables import region
from bocage.simulate._year import calendar


@pytest.mark.parametrize("name", list_regions())
def test_every_month_has_a_mostly_clear_date(name):
    domain = Domain.around(region(name).place, 1)
    for number in range(6):
        dates = calendar(region(name), 2021, domain, Seed(number, name))
        assert 24 <= len(dates) <= 36
        months = [image_time(2021, int(d.day)).month for d in dates]
        for month in range(1, 13):
            cloud = [d.cloud for d, m in zip(dates, months, strict=True) if m == month]
            assert len(cloud) >= 2
            assert min(cloud) < 0.2
        assert len({d.day for d in dates}) == len(dates)


def test_the_sun_is_higher_in_summer_and_in_the_south():
    south = calendar(region("macaronesian"), 2021, Domain.around((1810000, 1520000), 1), Seed(1))
    north = calendar(region("boreal"), 2021, Domain.around((5140000, 4470000), 1), Seed(1))
    assert south[12].sun > north[12].sun > north[0].sun > 0


def test_stored_numbers_have_the_offset_of_the_baseline():
    assert baseline(2021).name == "03.01"
    assert baseline(2021).offset == 0
    assert baseline(2022).name == "05.10"
    values = np.array([[0.1, np.nan, -0.3, 9.0]], np.float32)
    assert counts(values, 0).tolist() == [[1000, 0, 1, 65535]]
    assert counts(values, 1000).tolist() == [[2000, 0, 1, 65535]]


def test_times_are_days_of_the_year():
    assert image_time(2024, 60).isoformat() == "2024-02-29T10:20:31+00:00"
