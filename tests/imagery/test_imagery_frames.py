import numpy as np
import pytest
from pyproj import Transformer

from bocage.errors import InputError
from bocage.imagery import ImagerySettings, monthly_frames, monthly_mosaic
from bocage.rasters import geobox_of

UTM = "EPSG:32632"
SIDE = 48  # pixels of 10 m; those of 20 m are half as many
SETTINGS = ImagerySettings(
    bands=("B02", "B05"), cloud_mask="scl", dilation_px=0, screen="none", months=(5, 6)
)


@pytest.fixture
def shot(tmp_path, image, item, grid):
    """An item on pixels of the satellite around a small grid, with numbers of its own."""
    west, south, east, north = grid(8, 8).boundingbox
    forth = Transformer.from_crs("EPSG:3035", UTM, always_xy=True)
    x, y = forth.transform((west + east) / 2, (south + north) / 2)
    corner = round(x / 20) * 20 - SIDE * 5, round(y / 20) * 20 + SIDE * 5

    def make(name, when, ten, twenty, scl=4, crs=UTM, pixel=10.0):
        codes = np.broadcast_to(np.asarray(scl, np.uint8), twenty.shape)
        files = {"B02": (ten, pixel), "B05": (twenty, 2 * pixel), "SCL": (codes, 2 * pixel)}
        assets = {
            band: image(tmp_path / f"{name}_{band}.tif", [v], crs=crs, pixel=size, origin=corner,
                        nodata=0)
            for band, (v, size) in files.items()
        }  # fmt: skip
        return item(name, when, assets)

    return make


def numbers(seed, side=SIDE):
    return np.random.default_rng(seed).integers(500, 5000, (side, side), dtype=np.uint16)


def test_pixels_are_those_of_the_satellite(shot, grid):
    ten, twenty = numbers(0), numbers(1, SIDE // 2)
    frames = monthly_frames([shot("a", "2021-05-05", ten, twenty)], grid(8, 8), SETTINGS, 2021)
    assert frames["reflectance"].dims == ("date", "band", "y", "x")
    assert frames["date"].values.tolist() == ["2021-05-05"]
    assert frames["month"].values.tolist() == [5]
    assert frames["resolution"].values.tolist() == [10, 20]
    assert (frames["down"].values == 0).all()
    assert (frames["right"].values == 0).all()
    own = geobox_of(frames["reflectance"])
    assert own.crs == UTM
    # The grid holds the whole ground, and every number is one of the files, in its place.
    ground = grid(8, 8).extent.to_crs(UTM)
    assert own.extent.contains(ground)
    found = np.round(frames["reflectance"].values[0] * 10_000).astype(int)
    height, width = own.shape
    rows, columns = np.nonzero(ten == found[0, 0, 0])
    at = [(r, c) for r, c in zip(rows, columns, strict=True)
          if np.array_equal(ten[r : r + height, c : c + width], found[0])]  # fmt: skip
    assert len(at) == 1
    row, column = at[0]
    wide = twenty.repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(wide[row : row + height, column : column + width], found[1])


def test_what_does_not_count_is_nan_in_all_bands(shot, grid):
    cloudy = np.full((SIDE // 2, SIDE // 2), 4)
    cloudy[:, : SIDE // 4] = 9
    items = [
        shot("a", "2021-05-05", numbers(0), numbers(1, SIDE // 2), cloudy),
        shot("b", "2021-06-05", numbers(2), numbers(3, SIDE // 2)),
        shot("c", "2021-06-09", numbers(2), numbers(3, SIDE // 2), 9),
        shot("d", "2021-07-05", numbers(2), numbers(3, SIDE // 2)),
    ]
    frames = monthly_frames(items, grid(8, 8), SETTINGS, 2021)
    assert frames["month"].values.tolist() == [5, 6]
    gone = np.isnan(frames["reflectance"].values)
    assert (gone == gone[:, :1]).all()
    assert 0 < gone[0].mean() < 1
    assert not gone[1].any()
    covered = ~gone[0, 0]
    assert (covered == covered[:1]).all()


def test_the_shift_of_each_date_is_told_and_not_put_right(shot, grid):
    from scipy import ndimage

    rng = np.random.default_rng(0)
    field = ndimage.gaussian_filter(rng.random((SIDE, SIDE)), 1.5)
    ground = (1000 + 20_000 * (field - field.min())).astype(np.uint16)
    coarse = ground[::2, ::2].copy()
    days = [f"2021-05-{d:02d}" for d in (5, 10, 15, 20)]
    wide = grid(24, 24)
    plain = ImagerySettings(**{**SETTINGS.__dict__, "coregister": "apply"})
    moved = np.roll(ground, (1, 0), axis=(0, 1))
    items = [shot(d, d, moved if d == days[1] else ground, coarse) for d in days]
    frames = monthly_frames(items, wide, plain, 2021)
    assert np.allclose(frames["down"], [0, -1, 0, 0], atol=0.1)
    assert np.allclose(frames["right"], 0, atol=0.1)
    values = frames["reflectance"].sel(band="B02").values
    assert np.array_equal(values[1][1:], values[0][:-1])
    assert frames.attrs["composite"] == "geomedian"


def test_images_that_have_no_pixels_of_ten_metres_are_refused(shot, grid):
    coarse = shot("a", "2021-05-05", numbers(0), numbers(1, SIDE // 2), pixel=30.0)
    with pytest.raises(InputError, match="a and others are not on a grid of 10 m"):
        monthly_frames([coarse], grid(8, 8), SETTINGS, 2021)
    with pytest.raises(InputError, match="no image touches"):
        monthly_frames([], grid(8, 8), SETTINGS, 2021)


def test_dates_that_a_mosaic_counts_are_the_dates_of_the_frames(shot, grid):
    cloudy = np.full((SIDE // 2, SIDE // 2), 4)
    cloudy[: SIDE // 4] = 9
    items = [
        shot("a", "2021-05-05", numbers(0), numbers(1, SIDE // 2), cloudy),
        shot("b", "2021-05-09", numbers(2), numbers(3, SIDE // 2)),
    ]
    mosaic = monthly_mosaic(items, grid(8, 8), SETTINGS, 2021)
    frames = monthly_frames(items, grid(8, 8), SETTINGS, 2021)
    share = np.isfinite(frames["reflectance"].values[:, 0]).mean(axis=(1, 2)).sum()
    assert share == pytest.approx(float(mosaic["valid"].values[0].mean()), abs=0.15)
