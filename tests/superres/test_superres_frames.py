import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy import ndimage

from bocage.errors import InputError
from bocage.grid import geobox
from bocage.rasters import wrap
from bocage.superres import degrade, fine_geobox, psf_mtf, superresolve

SIDE = 40  # pixels of 10 m
GRID = geobox((4_000_000, 3_000_000 - 10 * SIDE, 4_000_000 + 10 * SIDE, 3_000_000), 10)
BANDS = ["B02", "B08"]
RIM = 8  # pixels of 10 m
INNER = (slice(None), slice(4 * RIM, -4 * RIM), slice(4 * RIM, -4 * RIM))


def mosaic_of(image, grid=GRID):
    """A mosaic of May, and of a June that shows nothing."""
    values = np.stack([image, np.full_like(image, np.nan)])
    gap = np.where(np.isnan(values[:, 0]), 2, 0).astype(np.uint8)
    labels = {"month": [5, 6]}
    return xr.Dataset(
        {
            "reflectance": wrap(
                values, grid, dims=("month", "band", "y", "x"), band=BANDS, **labels
            ),
            "valid": wrap((gap == 0).astype(np.uint8), grid, dims=("month", "y", "x"), **labels),
            "gap": wrap(gap, grid, dims=("month", "y", "x"), **labels),
        }
    )


def frames_of(images, shifts, grid=GRID, month=5):
    labels = {"date": [f"2021-05-{n + 1:02d}" for n in range(len(images))], "band": BANDS}
    values = wrap(
        np.stack(images).astype(np.float32), grid, dims=("date", "band", "y", "x"), **labels
    )
    down, right = np.array(shifts, dtype=float).T
    data = xr.Dataset({"reflectance": values}, attrs={"composite": "median"})
    return data.assign_coords(
        month=("date", [month] * len(images)), down=("date", down), right=("date", right)
    )


@pytest.fixture(scope="module")
def scene():
    """Fields at 2.5 m; dates that see them up to half a pixel beside each other; their shifts."""
    rng = np.random.default_rng(3)
    wide = 4 * SIDE + 8
    fields = np.zeros((2, wide, wide), np.float32)
    for _ in range(60):
        y, x = rng.integers(0, wide - 12, 2)
        height, width = rng.integers(8, 40, 2)
        fields[:, y : y + height, x : x + width] = rng.uniform(0.02, 0.4, (2, 1, 1))
    fields = ndimage.gaussian_filter(fields, (0, 0.6, 0.6))
    beside = [(0, 0), (2, -1), (-2, 1), (1, 2), (-1, -2)]  # pixels of 2.5 m
    views = [fields[:, 4 + y : 4 + y + 4 * SIDE, 4 + x : 4 + x + 4 * SIDE] for y, x in beside]
    images = [degrade(np.ascontiguousarray(v), psf_mtf(BANDS)) for v in views]
    return views[0], images, [(y / 4, x / 4) for y, x in beside]


def error(series, truth):
    return float(np.sqrt(np.mean((series["reflectance"].values[0] - truth)[INNER] ** 2)))


def test_dates_put_where_they_lie_are_nearer_to_the_truth_than_their_median(scene):
    truth, images, shifts = scene
    mosaic = mosaic_of(np.median(images[1:4], axis=0))
    frames = frames_of(images[1:4], shifts[1:4])
    still = frames.assign_coords(down=0 * frames["down"], right=0 * frames["right"])
    plain = error(superresolve(mosaic, "lmmse"), truth)
    put = error(superresolve(mosaic, "lmmse", frames=frames), truth)
    ignored = error(superresolve(mosaic, "lmmse", frames=still), truth)
    assert put < 0.8 * plain
    assert put < 0.8 * ignored


def test_one_date_that_lies_right_is_what_its_mosaic_would_be(scene):
    _, images, _ = scene
    mosaic = mosaic_of(images[0])
    plain = superresolve(mosaic, "lmmse")["reflectance"].values[0]
    alone = superresolve(mosaic, "lmmse", frames=frames_of(images[:1], [(0, 0)]))
    assert np.allclose(alone["reflectance"].values[0][INNER], plain[INNER], atol=1e-5)


def test_where_no_date_shows_the_ground_the_mosaic_stays(scene):
    _, images, shifts = scene
    mosaic = mosaic_of(images[0])
    plain = superresolve(mosaic, "lmmse")
    clouded = [i.copy() for i in images[:2]]
    for one in clouded:
        one[:, :, SIDE // 2 :] = np.nan
    half = superresolve(mosaic, "lmmse", frames=frames_of(clouded, shifts[:2]))
    values, usual = (s["reflectance"].values[0] for s in (half, plain))
    # A date that lies a pixel of 2.5 m aside shows that much more or less.
    assert np.array_equal(values[:, :, 2 * SIDE + 4 :], usual[:, :, 2 * SIDE + 4 :])
    assert np.isfinite(values).all()
    assert np.isnan(half["reflectance"].values[1]).all()
    other = superresolve(mosaic, "lmmse", frames=frames_of(images, shifts, month=7))
    assert other["reflectance"].identical(plain["reflectance"])
    nothing = [np.full_like(images[0], np.nan)]
    none = superresolve(mosaic, "lmmse", frames=frames_of(nothing, [(0, 0)]))
    assert none["reflectance"].identical(plain["reflectance"])


def test_a_cloud_on_one_date_does_not_bleed(scene):
    _, images, _ = scene
    mosaic = mosaic_of(images[0])
    clear = superresolve(mosaic, "lmmse", frames=frames_of(images[:1], [(0, 0)]))
    holed = images[0].copy()
    holed[:, 18:22, 18:22] = np.nan
    bright = images[0].copy()
    bright[:, 20:] = np.nan  # the other date is clear in the upper half only
    both = superresolve(mosaic, "lmmse", frames=frames_of([holed, bright], [(0, 0)] * 2))
    far = np.ones((4 * SIDE, 4 * SIDE), dtype=bool)
    far[4 * 8 : 4 * 32, :] = False  # the reach of the filter around cloud and edge
    apart = np.abs(both["reflectance"].values[0] - clear["reflectance"].values[0])
    assert apart[:, far].max() < 1e-5
    assert np.isfinite(both["reflectance"].values[0]).all()


def test_dates_on_pixels_of_another_projection_lie_where_they_belong():
    forth = Transformer.from_crs("EPSG:3035", "EPSG:32632", always_xy=True)
    west, south, east, north = GRID.boundingbox
    x, y = forth.transform((west + east) / 2, (south + north) / 2)
    side = SIDE + 16
    corner = Affine(10, 0, round(x) - 5 * side, 0, -10, round(y) + 5 * side)
    own = GeoBox((side, side), corner, "EPSG:32632")

    def ramp(box, aside=(0.0, 0.0)):
        """Reflectance that grows to the north-east of the mosaic's grid: 0.1 in 100 m."""
        rows, columns = np.mgrid[0 : box.shape[0], 0 : box.shape[1]]
        at = box.affine @ (columns + 0.5 + aside[1], rows + 0.5 + aside[0])
        if box.crs != GRID.crs:
            back = Transformer.from_crs(str(box.crs), "EPSG:3035", always_xy=True)
            at = back.transform(*at)
        value = 0.3 + 1e-3 * ((at[0] - west) + (at[1] - south)) / 2
        return np.stack([value, value]).astype(np.float32)

    shift = (0.4, -0.3)
    frames = frames_of([ramp(own, shift)], [shift], own)
    series = superresolve(mosaic_of(ramp(GRID)), "bicubic", frames=frames)
    found = series["reflectance"].values[0][INNER]
    assert np.allclose(found, ramp(fine_geobox(GRID))[INNER], atol=2e-4)


def test_parts_of_an_area_fit_together(scene):
    _, images, shifts = scene
    mosaic, frames = mosaic_of(images[0]), frames_of(images, shifts)
    whole = superresolve(mosaic, "lmmse", frames=frames)["reflectance"].values[0]
    part = mosaic.isel(y=slice(6, 34), x=slice(4, 36))
    cut = superresolve(part, "lmmse", frames=frames)["reflectance"].values[0]
    assert np.abs(cut - whole[:, 24:136, 16:144]).max() < 1e-4


def test_frames_without_a_band_are_refused(scene):
    _, images, shifts = scene
    frames = frames_of(images, shifts).sel(band=["B02"])
    with pytest.raises(InputError, match="the frames lack B08"):
        superresolve(mosaic_of(images[0]), "lmmse", frames=frames)


def test_a_backend_for_series_is_given_the_mean_of_the_dates(scene):
    _, images, shifts = scene

    class Told:
        name, any_unit = "told", True

        def __init__(self, mean=None):
            self.mean = mean

        def for_series(self, mean, bands):
            assert self.mean is None
            return Told(mean)

        def upscale(self, image, bands):
            assert self.mean.shape == image.shape
            return self.mean.repeat(4, axis=1).repeat(4, axis=2)

    part = mosaic_of(images[0]).isel(y=slice(6, 34), x=slice(4, 36))
    series = superresolve(part, Told(), frames=frames_of(images, shifts))
    assert np.isfinite(series["reflectance"].values[0]).all()
