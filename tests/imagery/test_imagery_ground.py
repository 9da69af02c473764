import numpy as np
import pytest
from odc.geo.geobox import GeoBox
from odc.geo.geom import point

from bocage.grid import geobox
from bocage.imagery._angles import Direction
from bocage.imagery._ground import lie, load_ground


def plane(grid: GeoBox, east: float, north: float) -> np.ndarray:
    """Heights that rise to the east and the north of the grid, one pixel wider."""
    rows, columns = grid.shape
    down, along = np.mgrid[: rows + 2, : columns + 2] * 10.0
    return (east * along - north * down).astype(np.float32)


MERIDIAN = geobox((4_321_000, 3_000_000, 4_321_100, 3_000_100), 10)
"""On the central meridian of the grid: its north is the true one."""


def test_level_ground_sees_the_sun_at_its_zenith():
    ground = lie(plane(MERIDIAN, 0, 0), MERIDIAN)
    assert np.allclose(ground.up, 1)
    assert np.allclose(ground.cosine(Direction(60, 123)), 0.5)


@pytest.mark.parametrize(("east", "north", "aspect"), [(1, 0, 270), (-1, 0, 90), (0, -1, 0)])
def test_a_slope_faces_where_it_falls(east, north, aspect):
    ground = lie(plane(MERIDIAN, east, north), MERIDIAN)
    assert np.allclose(ground.up, np.sqrt(0.5))
    assert np.allclose(ground.cosine(Direction(45, aspect)), 1, atol=1e-4)
    assert np.allclose(ground.cosine(Direction(45, aspect + 180)), 0, atol=1e-4)


def test_the_sun_goes_by_the_true_north():
    # Far in the east the grid is turned: the true north is where latitude grows.
    grid = geobox((5_400_000, 2_600_000, 5_400_100, 2_600_100), 10)
    here = grid.extent.centroid.to_crs("EPSG:4326").coords[0]
    there = point(here[0], here[1] + 0.01, "EPSG:4326").to_crs("EPSG:3035").coords[0]
    x, y = grid.extent.centroid.coords[0]
    rise = np.array([there[0] - x, there[1] - y]) / np.hypot(there[0] - x, there[1] - y)
    assert abs(rise[0]) > 0.1
    ground = lie(plane(grid, *-rise), grid)  # falls to the true north
    assert np.allclose(ground.cosine(Direction(45, 0)), 1, atol=1e-5)
    assert np.allclose(ground.east, 0, atol=1e-3)


def test_a_pixel_does_not_depend_on_the_grid_around_it(tmp_path, image):
    rng = np.random.default_rng(0)
    rough = rng.normal(1000, 30, (40, 40)).astype(np.float32)
    path = image(tmp_path / "h.tif", [rough], pixel=30.0, crs="EPSG:3035")
    wide = load_ground(path, geobox((4_000_100, 2_999_100, 4_000_900, 2_999_900), 10))
    part = load_ground(path, geobox((4_000_500, 2_999_300, 4_000_700, 2_999_600), 10))
    for name in ("east", "north", "up"):
        whole = getattr(wide, name)[30:60, 40:60]
        assert np.allclose(getattr(part, name), whole, atol=2e-5)


def test_beyond_the_heights_nothing_is_known(tmp_path, image):
    path = image(tmp_path / "h.tif", [np.zeros((10, 10), np.float32)], nodata=-9999)
    ground = load_ground(path, geobox((4_000_050, 2_999_900, 4_000_150, 3_000_000), 10))
    assert np.isfinite(ground.up[:, :4]).any()
    assert np.isnan(ground.up[:, 6:]).all()
