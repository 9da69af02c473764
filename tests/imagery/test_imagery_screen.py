import numpy as np
import pytest

from bocage.imagery._screen import CLOUD_BANDS, RADIUS, SCREEN_BANDS, screen, snow

GRASS = {"B02": 0.03, "B03": 0.06, "B04": 0.04, "B8A": 0.40, "B11": 0.20}
SOIL = {"B02": 0.09, "B03": 0.12, "B04": 0.16, "B8A": 0.25, "B11": 0.32}
SNOW = {"B02": 0.80, "B03": 0.80, "B04": 0.80, "B8A": 0.70, "B11": 0.08}
WATER = {"B02": 0.06, "B03": 0.08, "B04": 0.07, "B8A": 0.04, "B11": 0.01}
SIDE = 40


def clouded(ground, thickness):
    return {b: v + thickness * (0.9 - v) for b, v in ground.items()}


def shadowed(ground):
    return {b: v * (0.7 if b in ("B02", "B03", "B04") else 0.45) for b, v in ground.items()}


def look(*grounds, step=5, names=SCREEN_BANDS):
    """One date after another, the ground the same all over; what is found in the middle."""
    bands = {b: np.stack([np.full((SIDE, SIDE), g[b], np.float32) for g in grounds]) for b in names}
    clear = np.ones((len(grounds), SIDE, SIDE), bool)
    days = np.arange(len(grounds), dtype=np.int64) * step
    found = screen(bands, clear, days)
    middle = (slice(None), SIDE // 2, SIDE // 2)
    return found.cloud[middle].tolist(), found.shadow[middle].tolist()


NOTHING = [False] * 9


@pytest.mark.parametrize("ground", [GRASS, SOIL])
@pytest.mark.parametrize("thickness", [0.1, 0.5, 1.0])
def test_a_cloud_of_one_date_is_found(ground, thickness):
    dates = [ground] * 9
    dates[4] = clouded(ground, thickness)
    expected = [n == 4 for n in range(9)]
    assert look(*dates) == (expected, NOTHING)


@pytest.mark.parametrize("ground", [GRASS, SOIL])
def test_a_shadow_of_one_date_is_found(ground):
    dates = [ground] * 9
    dates[4] = shadowed(ground)
    assert look(*dates) == (NOTHING, [n == 4 for n in range(9)])


def test_two_clouds_one_after_the_other_are_both_found():
    dates = [GRASS] * 9
    dates[4] = dates[5] = clouded(GRASS, 0.3)
    cloud, _ = look(*dates)
    assert cloud == [n in (4, 5) for n in range(9)]


@pytest.mark.parametrize("before", [GRASS, SOIL, WATER])
@pytest.mark.parametrize("after", [GRASS, SOIL, WATER])
def test_what_stays_is_no_cloud(before, after):
    """Harvest, ploughing, growth, a reservoir that fills or falls dry."""
    assert look(*[before] * 5, *[after] * 4) == (NOTHING, NOTHING)


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_flood_of_any_length_is_kept(length):
    dates = [GRASS] * 9
    dates[3 : 3 + length] = [WATER] * length
    assert look(*dates) == (NOTHING, NOTHING)


@pytest.mark.parametrize("length", [2, 3, 4, 6])
def test_snow_of_more_than_one_date_is_kept(length):
    dates = [GRASS] * 9
    dates[2 : 2 + length] = [SNOW] * length
    assert look(*dates)[0] == NOTHING


def test_snow_of_one_date_is_taken_for_a_cloud():
    dates = [GRASS] * 9
    dates[4] = SNOW
    assert look(*dates)[0] == [n == 4 for n in range(9)]


def test_a_crop_between_two_bare_dates_is_kept():
    grown = {b: (SOIL[b] + 3 * GRASS[b]) / 4 for b in SOIL}
    assert look(SOIL, SOIL, SOIL, grown, GRASS, GRASS, grown, SOIL, SOIL) == (NOTHING, NOTHING)


def test_dates_too_far_away_say_nothing():
    assert look(GRASS, clouded(GRASS, 1.0), GRASS, step=61) == ([False] * 3, [False] * 3)


def test_a_fall_of_leaves_at_the_end_of_a_series_is_kept():
    bare = {b: v * (0.75 if b in ("B8A", "B11") else 1) for b, v in GRASS.items()}
    assert look(*[GRASS] * 8, bare) == (NOTHING, NOTHING)


def test_clouds_alone_are_sought_without_infrared():
    dates = [GRASS] * 9
    dates[4], dates[6] = clouded(GRASS, 0.5), shadowed(GRASS)
    cloud, shadow = look(*dates, names=CLOUD_BANDS)
    assert cloud == [n == 4 for n in range(9)]
    assert shadow == NOTHING


def test_nothing_is_found_outside_what_is_clear_and_clouded_neighbours_do_not_count():
    rng = np.random.default_rng(1)
    level = np.full((5, SIDE, SIDE), 0.03, np.float32)
    level[2, :, :20] = 0.3
    clear = rng.random((5, SIDE, SIDE)) < 0.9
    level[1, :, :20][clear[1, :, :20]] = 0.3
    level[~clear] = np.nan
    found = screen({"B02": level, "B04": level}, clear, np.arange(5, dtype=np.int64) * 5)
    assert not (found.cloud & ~clear).any()
    assert found.cloud[2, :, :18][clear[2, :, :18]].all()
    assert not found.cloud[2, :, 25:].any()


def test_what_is_found_depends_on_a_radius_only():
    """So blocks with a halo agree."""
    rng = np.random.default_rng(5)
    noise = rng.normal(1, 0.1, (len(SCREEN_BANDS), 7, 90, 90))
    bands = {b: (GRASS[b] * n).astype(np.float32) for b, n in zip(SCREEN_BANDS, noise, strict=True)}
    for _ in range(40):
        date, y, x = rng.integers(7), *rng.integers(80, size=2)
        place = (date, slice(y, y + 15), slice(x, x + 15))
        bright, dark = rng.uniform(0, 0.1), rng.uniform(0.4, 1)
        for b in bands:
            bands[b][place] = bands[b][place] * dark + bright * (dark > 0.8)
    clear = np.ones((7, 90, 90), bool)
    days = np.arange(7, dtype=np.int64) * 5
    whole = screen(bands, clear, days)
    part = (slice(None), slice(10, 70), slice(20, 80))
    cut = screen({b: v[part] for b, v in bands.items()}, clear[part], days)
    inner = (slice(None), slice(RADIUS, -RADIUS), slice(RADIUS, -RADIUS))
    for name in ("cloud", "shadow"):
        assert (getattr(whole, name)[part][inner] == getattr(cut, name)[inner]).all()
        assert getattr(whole, name)[part][inner].any()


def test_snow_is_bright_in_near_infrared_and_dark_beyond():
    def seen(ground):
        return bool(snow({b: np.full((1, 1), v, np.float32) for b, v in ground.items()}))

    assert [seen(g) for g in (SNOW, GRASS, SOIL, WATER)] == [True, False, False, False]
