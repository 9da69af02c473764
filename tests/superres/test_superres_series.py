import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from bocage.errors import ConfigError, InputError
from bocage.grid import Block, geobox
from bocage.rasters import read_raster, wrap, write_geotiff
from bocage.superres import fine_geobox, superresolve, superresolve_image

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
BLOCK = Block("b", "t", 4_000_000, 3_000_000, 500, 0)


@pytest.fixture
def mosaic():
    rng = np.random.default_rng(0)
    grid = BLOCK.geobox(10)
    refl = rng.random((2, 3, *grid.shape), dtype=np.float32)
    refl[1, :, 4:9, 5:7] = np.nan
    gap = np.where(np.isnan(refl[:, 0]), 2, 0).astype(np.uint8)
    bands = ["B02", "B03", "B05"]
    data = xr.Dataset(
        {
            "reflectance": wrap(
                refl, grid, dims=("month", "band", "y", "x"), month=[11, 3], band=bands
            ),
            "valid": wrap(
                (gap == 0).astype(np.uint8), grid, dims=("month", "y", "x"), month=[11, 3]
            ),
            "gap": wrap(gap, grid, dims=("month", "y", "x"), month=[11, 3]),
        },
        attrs={"year": 2021},
    )
    return data.assign_coords(resolution=("band", [10, 10, 20]))


def test_the_fine_grid_of_a_block_is_the_block_at_2_5_m():
    assert fine_geobox(BLOCK.geobox(10)) == BLOCK.geobox(2.5)


def test_the_series_has_the_schema_of_the_mosaic(mosaic):
    series = superresolve(mosaic, "bicubic")
    assert series["reflectance"].dims == ("month", "band", "y", "x")
    assert series["reflectance"].dtype == np.float32
    assert series["valid"].dtype == series["gap"].dtype == np.uint8
    assert series["reflectance"].odc.geobox == BLOCK.geobox(2.5)
    assert series.attrs == {"year": 2021, "backend": "bicubic", "flags": "{}"}
    for name in ("month", "band", "resolution"):
        assert series[name].values.tolist() == mosaic[name].values.tolist()


def test_a_bicubic_series_averages_back_to_the_mosaic(mosaic):
    series = superresolve(mosaic, "bicubic")
    back = series["reflectance"].values.reshape(2, 3, 50, 4, 50, 4).mean(axis=(3, 5))
    assert np.allclose(back, mosaic["reflectance"], atol=1e-5, equal_nan=True)


def test_gaps_and_counts_are_repeated(mosaic):
    series = superresolve(mosaic)
    for name in ("valid", "gap"):
        assert (series[name].values[:, ::4, ::4] == mosaic[name].values).all()
        assert (series[name].values[:, 3::4, 3::4] == mosaic[name].values).all()
    assert (np.isnan(series["reflectance"][:, 0]) == (series["gap"] == 2)).all()


def test_the_order_of_dims_does_not_matter(mosaic):
    turned = superresolve(mosaic.transpose("x", "band", "y", "month"))
    xr.testing.assert_identical(turned, superresolve(mosaic))


def test_a_backend_is_given_months_with_band_names(mosaic):
    class Spy:
        name = "spy"

        def __init__(self):
            self.seen = []

        def upscale(self, image, bands):
            self.seen.append((image.shape, bands))
            return image.repeat(4, axis=1).repeat(4, axis=2)

    spy = Spy()
    series = superresolve(mosaic, spy)
    assert spy.seen == [((3, 50, 50), ("B02", "B03", "B05"))] * 2
    assert series.attrs["backend"] == "spy"


def test_wrong_input_is_named(mosaic):
    with pytest.raises(InputError, match="no mosaic: it lacks gap"):
        superresolve(mosaic.drop_vars("gap"))
    with pytest.raises(ConfigError, match="no backend 'x'"):
        superresolve(mosaic, "x")
    with pytest.raises(InputError, match="has no georeference"):
        superresolve(mosaic.drop_vars(("x", "y", "spatial_ref")))


def test_an_image_keeps_its_unit_and_loses_its_nodata(tmp_path):
    values = np.full((2, 50, 50), 1000, np.int16)
    values[:, 10, 10] = -1
    image = wrap(values, BLOCK.geobox(10), dims=("band", "y", "x"), band=["B02", "B03"])
    path = write_geotiff(tmp_path / "a.tif", image, nodata=-1)
    fine = superresolve_image(read_raster(path), "bicubic")
    assert fine.dims == ("band", "y", "x")
    assert fine.odc.geobox == BLOCK.geobox(2.5)
    assert fine["band"].values.tolist() == ["B02", "B03"]
    assert fine.attrs["backend"] == "bicubic"
    assert np.isnan(fine.attrs["nodata"])
    assert int(np.isnan(fine).sum()) == 2 * 16
    assert np.allclose(fine.values[np.isfinite(fine.values)], 1000)


def test_an_image_of_other_dims_is_refused(mosaic):
    with pytest.raises(InputError, match=r"an image has the dims \(band, y, x\), not"):
        superresolve_image(mosaic["reflectance"])


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="no real data in ../shared/data")
def test_a_real_image_averages_back(tmp_path):
    image = read_raster(DATA / "s2_gers_20181023" / "S2L2A_20181023_10m.tif")
    part = image.isel(y=slice(300, 500), x=slice(300, 500))
    part.attrs = image.attrs
    fine = superresolve_image(part, "bicubic")
    back = fine.values.reshape(4, 200, 4, 200, 4).mean(axis=(2, 4))
    assert np.abs(back - part.values).max() / 10000 < 1e-6
    assert fine.values.std() > part.values.std()


@pytest.mark.parametrize("backend", ["fine10", "lmmse"])
def test_a_series_says_what_did_not_go_the_usual_way(mosaic, backend):
    series = superresolve(mosaic, backend)
    note = series.attrs["superres_note"]
    assert series.attrs["backend"] == backend
    assert "20 m grid unknown" in note
    # The mosaic has no B04: nothing of it can go through the network.
    assert ("linear filter for B02, B03, B05" in note) == (backend == "fine10")


def test_the_native_resolution_decides_what_is_sharpened(mosaic):
    """Not the name: a mosaic may hold other sensors, or bands that are sharp already."""
    flat = mosaic.assign_coords(resolution=("band", [10, 10, 10]))
    assert "superres_note" not in superresolve(flat, "lmmse").attrs


def test_the_point_spread_is_a_setting(mosaic):
    sharper = superresolve(mosaic, "lmmse", psf_mtf={"B02": 0.6})
    usual = superresolve(mosaic, "lmmse")
    apart = np.nanmax(np.abs(sharper["reflectance"] - usual["reflectance"]), axis=(0, 2, 3))
    assert apart[0] > 1e-3
    assert apart[1] == 0
    with pytest.raises(ConfigError, match="psf_mtf: 2 of B02"):
        superresolve(mosaic, "lmmse", psf_mtf={"B02": 2})
    with pytest.raises(ConfigError, match="psf_mtf: there is no band B2"):
        superresolve(mosaic, "lmmse", psf_mtf={"B2": 0.3})


def test_months_that_were_sharpened_are_named(caplog):
    rng = np.random.default_rng(2)
    fields = rng.random((2, 20, 20)).repeat(8, axis=1).repeat(8, axis=2)
    seen = ndimage.gaussian_filter(fields, (0, 0.6, 0.6))
    ringing = seen + 2 * (seen - ndimage.gaussian_filter(seen, (0, 1, 1)))
    grid, months = Block("b", "t", 4_000_000, 3_000_000, 1600, 0).geobox(10), [11, 3]
    refl = (0.2 + 0.2 * np.stack([ringing, seen])).astype(np.float32)
    clear = np.zeros((2, *grid.shape), np.uint8)
    dims = ("month", "y", "x")
    mosaic = xr.Dataset(
        {
            "reflectance": wrap(
                refl, grid, dims=("month", "band", "y", "x"), month=months, band=["B02", "B03"]
            ),
            "valid": wrap(clear + 1, grid, dims=dims, month=months),
            "gap": wrap(clear, grid, dims=dims, month=months),
        }
    )
    flags = json.loads(superresolve(mosaic, "bicubic").attrs["flags"])
    assert flags == {"11": ["sharpened"]}
    (record,) = caplog.records
    assert record.getMessage().startswith("month 11 of the mosaic looks sharpened already")


def test_a_transfer_that_the_network_was_not_trained_for_is_told(mosaic):
    def note(backend, transfer):
        return superresolve(mosaic, backend, psf_mtf=transfer).attrs["superres_note"]

    assert "trained for a transfer of 0.12 to 0.35, told B02 0.5" in note("fine10", {"B02": 0.5})
    assert "trained" not in note("fine10", {"B02": 0.3})
    assert "trained" not in note("lmmse", {"B02": 0.5})


def test_the_unit_of_an_image_does_not_matter():
    rng = np.random.default_rng(1)
    bands = ["B02", "B03", "B04", "B08"]
    values = rng.random((4, 50, 50), dtype=np.float32)

    def made(array):
        image = wrap(array, BLOCK.geobox(10), dims=("band", "y", "x"), band=bands)
        return superresolve_image(image, "default").values

    assert np.allclose(made(values * 10000) / 10000, made(values), atol=2e-5)


def test_shared_detail_follows_the_contrast_of_a_month():
    """A year of one picture at three contrasts: each month gets its own strength of detail."""
    rng = np.random.default_rng(0)
    picture = rng.random((4, 16, 16)).repeat(4, axis=1).repeat(4, axis=2)[:, 7:57, 7:57]
    contrasts = (0.1, 0.2, 0.3)
    grid, bands = BLOCK.geobox(10), ["B02", "B03", "B04", "B08"]
    refl = np.stack([0.6 + c * picture for c in contrasts]).astype(np.float32)
    dims = ("month", "y", "x")
    empty = np.zeros((3, 50, 50), np.uint8)
    data = xr.Dataset(
        {
            "reflectance": wrap(
                refl, grid, dims=("month", "band", "y", "x"), month=[1, 2, 3], band=bands
            ),
            "valid": wrap(empty + 1, grid, dims=dims, month=[1, 2, 3]),
            "gap": wrap(empty, grid, dims=dims, month=[1, 2, 3]),
        }
    )
    made = superresolve(data, "shared_detail")["reflectance"].values
    own = superresolve(data, "default")["reflectance"].values
    assert np.allclose(made, own, atol=2e-3)
    assert np.allclose((made[2] - 0.6) / 3, made[0] - 0.6, atol=1e-3)


def test_doubtful_months_are_flagged():
    rng = np.random.default_rng(2)
    values = rng.uniform(0.05, 0.3, (3, 2, 20, 20)).astype(np.float32)
    values[1, 0] = -0.05
    box = geobox((4_000_000, 3_000_000, 4_000_200, 3_000_200), 10)
    gap = np.zeros((3, 20, 20), np.uint8)
    gap[2, :15] = 1
    flat = {"dims": ("month", "y", "x"), "month": [5, 6, 7]}
    mosaic = xr.Dataset(
        {
            "reflectance": wrap(
                values, box, dims=("month", "band", "y", "x"), month=[5, 6, 7], band=["B02", "B08"]
            ),
            "gap": wrap(gap, box, **flat),
            "valid": wrap(np.ones_like(gap), box, **flat),
        }
    )
    flags = json.loads(superresolve(mosaic, "bicubic").attrs["flags"])
    assert flags == {"6": ["constant B02", "negative B02"], "7": ["not observed"]}


def test_a_backend_that_knows_reflectance_only_is_given_it():
    class Biased:
        """Adds what a network with biases would."""

        name = "biased"
        consistency = "psf"

        def upscale(self, image, bands):
            fine = image.repeat(4, axis=1).repeat(4, axis=2)
            pattern = np.resize([0.01, -0.01], fine.shape[2])
            return fine + pattern.astype(np.float32)

    values = np.random.default_rng(1).uniform(0.1, 0.3, (2, 50, 50)).astype(np.float32)

    def made(array, backend):
        image = wrap(array, BLOCK.geobox(10), dims=("band", "y", "x"), band=["B02", "B03"])
        return superresolve_image(image, backend).values

    numbers = np.round(values * 10000).astype(np.uint16)
    apart = made(numbers, Biased()) / 10000 - made(values, Biased())
    assert np.abs(apart).max() < 2e-4
