import numpy as np

from bocage.simulate._weather import Weather


def test_snow_lies_above_its_line():
    weather = Weather(day=20, sun=18, snow=0.8, line_m=900)
    low, line, high = weather.snow_at(np.array([300.0, 900.0, 1600.0]))
    assert low < 0.001
    assert line == 0.4
    assert high > 0.79


def test_without_snow_there_is_none_on_the_peaks():
    assert (Weather(day=200, sun=60, line_m=-500).snow_at(np.array([0.0, 4000.0])) == 0).all()
