import pytest

from bocage.errors import ConfigError
from bocage.imagery import ImagerySettings, window


def test_a_calendar_year_lies_in_the_status_year():
    slots = window(ImagerySettings(), 2021)
    assert [s.month for s in slots] == list(range(1, 13))
    assert {s.years for s in slots} == {(2021,)}


def test_a_window_from_november_ends_in_october_of_the_status_year():
    slots = window(ImagerySettings(first_month=11), 2021)
    assert [(s.years[0], s.month) for s in slots[:3]] == [(2020, 11), (2020, 12), (2021, 1)]
    assert (slots[-1].years, slots[-1].month) == ((2021,), 10)


def test_months_keep_the_order_of_the_window():
    slots = window(ImagerySettings(first_month=11, months=(3, 12, 11)), 2021)
    assert [s.month for s in slots] == [11, 12, 3]


def test_years_around_are_pooled():
    slot = window(ImagerySettings(years_around=1, months=(5,)), 2021)[0]
    assert slot.years == (2020, 2021, 2022)
    assert (2022, 5) in slot
    assert (2022, 6) not in slot
    assert (2023, 5) not in slot
    assert str(slot) == "May 2020/2021/2022"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bands", ()),
        ("bands", ("B02", "B02")),
        ("composite", "mean"),
        ("fill", "spline"),
        ("screen", "yes"),
        ("snow", "melt"),
        ("coregister", "always"),
        ("smooth", "harmonic"),
        ("smooth_strength", 0),
        ("months", (0, 1)),
        ("months", (3, 3)),
        ("first_month", 13),
        ("years_around", -1),
        ("dilation_px", -1),
        ("max_cloud_cover", 101),
        ("cloud_mask", ""),
    ],
)
def test_a_wrong_setting_is_named(key, value):
    with pytest.raises(ConfigError, match=rf"imagery\.{key}"):
        ImagerySettings(**{key: value})
