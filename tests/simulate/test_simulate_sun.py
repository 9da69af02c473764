from datetime import UTC, date, datetime

import pytest

from bocage.simulate._sun import pass_time, sun_angles


@pytest.mark.parametrize(
    ("when", "longitude", "latitude", "elevation"),
    [
        # Greatest height of the sun: 90° - latitude ± 23.44° at the solstices.
        (datetime(2021, 6, 21, 12, 2, tzinfo=UTC), 0, 50, 63.44),
        (datetime(2021, 12, 21, 11, 58, tzinfo=UTC), 0, 50, 16.56),
        (datetime(2024, 3, 20, 12, 7, tzinfo=UTC), 0, 30, 60.0),
    ],
)
def test_the_sun_stands_where_it_should_at_noon(when, longitude, latitude, elevation):
    height, azimuth = sun_angles(when, longitude, latitude)
    assert height == pytest.approx(elevation, abs=0.3)
    assert azimuth == pytest.approx(180, abs=1.5)


def test_the_sun_rises_in_the_east():
    height, azimuth = sun_angles(datetime(2021, 3, 20, 6, 10, tzinfo=UTC), 0, 50)
    assert height == pytest.approx(0, abs=1.5)
    assert azimuth == pytest.approx(90, abs=3)


def test_passes_are_in_the_late_morning_of_the_place():
    # Usual times of the tiles of these places, UTC.
    for longitude, latitude, hour in ((15, 50, 10.1), (-8, 40, 11.5), (25, 62, 9.8)):
        when = pass_time(date(2021, 7, 1), longitude, latitude)
        assert when.hour + when.minute / 60 == pytest.approx(hour, abs=0.35)
