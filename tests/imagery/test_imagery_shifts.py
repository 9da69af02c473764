import numpy as np
import pytest
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from bocage.grid import geobox
from bocage.imagery import Shifts, load_shifts, save_shifts

PLACES = ((4_001_000.0, 3_001_000.0), (4_006_000.0, 3_001_000.0))
SHIFTS = Shifts(
    PLACES,
    {
        "2021-05-01": ((0.30, -0.20), (0.32, -0.22)),
        "2021-05-06": (None, (0.1, 0.0)),
    },
)


def block(x, y=3_000_000):
    return geobox((x - 160, y - 160, x + 2160, y + 2160), 10)


def test_a_place_without_a_shift_has_that_of_its_neighbours():
    at = SHIFTS.at(block(4_000_000))
    assert at["2021-05-06"] == pytest.approx((0.1, 0.0))
    # Even where they are far away.
    assert SHIFTS.at(block(5_000_000))["2021-05-06"] == pytest.approx((0.1, 0.0))


def test_it_changes_with_the_ground_but_not_from_block_to_block():
    west, east = (SHIFTS.at(block(x))["2021-05-01"] for x in (4_000_000, 4_005_000))
    assert 0.3 < west[0] < east[0] < 0.32
    beside = SHIFTS.at(block(4_002_000))["2021-05-01"]
    assert np.abs(np.subtract(west, beside)).max() < 2e-4
    # Far from the other place it is the place's own.
    far = SHIFTS.at(block(5_000_000))["2021-05-01"]
    assert far == pytest.approx((0.32, -0.22), abs=1e-4)


@pytest.mark.parametrize("zone", [31, 32, 33])
def test_on_other_pixels_the_image_comes_to_lie_in_the_same_place(zone):
    forth = Transformer.from_crs("EPSG:3035", f"EPSG:326{zone}", always_xy=True)
    x, y = forth.transform(4_001_000, 3_001_000)
    grid = GeoBox.from_bbox((x - 1000, y - 1000, x + 1000, y + 1000), f"EPSG:326{zone}",
                            resolution=10)  # fmt: skip
    down, right = SHIFTS.at(grid)["2021-05-01"]
    wanted, beside = SHIFTS.at(geobox((4e6, 3e6, 4_002_000, 3_002_000), 10))["2021-05-01"]
    moved = np.subtract(forth.transform(4_001_000 + 10 * beside, 3_001_000 - 10 * wanted), (x, y))
    assert (down, right) == pytest.approx((-moved[1] / 10, moved[0] / 10), abs=1e-4)


def test_a_day_that_is_not_there_has_none():
    assert Shifts((), {}).at(block(4_000_000)) == {}
    assert set(SHIFTS.at(block(4_000_000))) == {"2021-05-01", "2021-05-06"}
    cloudy = Shifts(PLACES, {"2021-05-01": (None, None)})
    assert cloudy.at(block(4_000_000)) == {}


def test_they_are_written_and_read(tmp_path):
    assert load_shifts(save_shifts(SHIFTS, tmp_path / "shifts.json")) == SHIFTS
