"""Catalogues and mosaics of real Sentinel-2 images."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform_bounds

from bocage.errors import InputError
from bocage.grid import geobox
from bocage.imagery import (
    ImagerySettings,
    build_catalog,
    check_mosaic,
    monthly_mosaic,
    observed_months,
    require_months,
    require_observed,
    search,
)

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason="no real data in ../shared/data"),
]
TEN = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"]


def around(name, half=300):
    with rasterio.open(sorted((DATA / name).glob("S2*.tif"))[0]) as file:
        west, south, east, north = transform_bounds(file.crs, "EPSG:3035", *file.bounds)
    x, y = (west + east) / 2, (south + north) / 2
    return (x - half, y - half, x + half, y + half)


def catalogue(tmp_path, name, text):
    config = tmp_path / "config.yaml"
    config.write_text(text)
    return build_catalog(DATA / name, tmp_path / "catalog.json", config=config)


def test_flanders_118_dates_with_scene_classification(tmp_path):
    path = catalogue(
        tmp_path, "s2_flanders_2018",
        'image: {pattern: "S2L2A_????????.tif"}\nmask: {pattern: "*_SCL.tif", kind: scl}\n',
    )  # fmt: skip
    bounds = around("s2_flanders_2018", 200)
    settings = ImagerySettings(first_month=12)
    items = search(path, settings, bounds, 2018)
    require_months(items, settings, 2018)
    mosaic = monthly_mosaic(items, geobox(bounds, 10), settings, 2018)
    check_mosaic(mosaic, settings)
    require_observed([observed_months(mosaic)], settings, 2018)
    assert mosaic["month"].values[0] == 12
    assert (mosaic["gap"] < 2).all()
    assert int(mosaic["valid"].max()) >= 5
    red, nir = (mosaic["reflectance"].sel(band=b) for b in ("B04", "B08"))
    ndvi = ((nir - red) / (nir + red)).mean(("y", "x"))
    assert float(ndvi.min()) > 0.3
    assert float(ndvi.max()) < 0.9
    # Cubic convolution undershoots beside bright roofs.
    assert float(mosaic["reflectance"].min()) > -0.01
    assert float(mosaic["reflectance"].max()) < 0.9


def test_flanders_has_no_december_2018(tmp_path):
    path = catalogue(
        tmp_path, "s2_flanders_2018",
        'image: {pattern: "S2L2A_????????.tif"}\nmask: {pattern: "*_SCL.tif", kind: scl}\n',
    )  # fmt: skip
    items = search(path, ImagerySettings(), around("s2_flanders_2018"), 2018)
    with pytest.raises(InputError, match="no image in: Dec 2018"):
        require_months(items, ImagerySettings(), 2018)


def test_belgium_monthly_composites_with_two_empty_months(tmp_path):
    path = catalogue(tmp_path, "s2_belgium_monthly_2021", 'image: {pattern: "S2_monthly_*.tif"}\n')
    bounds = around("s2_belgium_monthly_2021")
    with pytest.raises(InputError, match=r"band B8A is missing in 12 item\(s\)"):
        search(path, ImagerySettings(first_month=11), bounds, 2021)
    bands = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12")
    settings = ImagerySettings(bands=bands, cloud_mask="none", first_month=11)
    items = search(path, settings, bounds, 2021)
    mosaic = monthly_mosaic(items, geobox(bounds, 10), settings, 2021)
    assert mosaic["month"].values.tolist() == [11, 12, *range(1, 11)]
    assert mosaic["gap"].max(("y", "x")).values.tolist() == [0, 1, 1, *[0] * 9]
    with pytest.raises(InputError, match="Dec 2020, Jan 2021"):
        require_observed([observed_months(mosaic)], settings, 2021)
    # A third and two thirds of the way from November to February.
    refl = mosaic["reflectance"]
    between = refl.sel(month=11) + (refl.sel(month=2) - refl.sel(month=11)) / 3
    assert np.allclose(refl.sel(month=12), between, atol=1e-6)


def test_boadella_in_degrees_without_nodata_or_mask(tmp_path):
    path = catalogue(tmp_path, "s2_boadella_2020_2022", f"bands: [{', '.join(TEN)}]\n")
    bounds = around("s2_boadella_2020_2022")
    settings = ImagerySettings(cloud_mask="none", years_around=1, months=(1, 6, 7))
    items = search(path, settings, bounds, 2021)
    mosaic = monthly_mosaic(items, geobox(bounds, 10), settings, 2021)
    check_mosaic(mosaic, settings)
    assert mosaic["valid"].max(("y", "x")).values.tolist() == [3, 3, 2]
    assert (mosaic["gap"] == 0).all()
    assert mosaic["resolution"].values.tolist() == [10, 10, 10, 20, 20, 20, 10, 20, 20, 20]


def screened(tmp_path, name, config, settings, year):
    """Share that the screening took from what the mask left, by date."""
    bounds = around(name, 300)
    items = search(catalogue(tmp_path, name, config), settings, bounds, year)
    dates = json.loads(monthly_mosaic(items, geobox(bounds, 10), settings, year).attrs["dates"])
    return {d["date"]: d["screened"] / d["clear"] for d in dates}


def test_the_screening_of_boadella_finds_the_cloudy_dates_and_keeps_the_muddy_flood(tmp_path):
    # No mask at all. By eye: 13 January hazy, 18 and 23 January clouds, 28 January and
    # 2 February clear, the reservoir high and muddy after a storm.
    settings = ImagerySettings(cloud_mask="none", months=(1, 2, 6))
    config = f"bands: [{', '.join(TEN)}]\n"
    share = screened(tmp_path, "s2_boadella_2020_2022", config, settings, 2020)
    assert share["2020-01-13"] > 0.9
    assert share["2020-01-18"] == 1
    assert share["2020-01-28"] < 0.1
    assert share["2020-02-02"] < 0.1


def test_the_screening_of_flanders_finds_what_the_classification_misses(tmp_path):
    # By eye: the first row is cloud, haze or shadow that the classification takes for clear
    # (23 September: snow), the second row is clear.
    config = 'image: {pattern: "S2L2A_????????.tif"}\nmask: {pattern: "*_SCL.tif", kind: scl}\n'
    share = screened(tmp_path, "s2_flanders_2018", config, ImagerySettings(first_month=12), 2018)
    for day in ("2018-06-13", "2018-07-13", "2018-07-18", "2018-09-23", "2018-11-22"):
        assert share[day] > 0.7
    for day in ("2018-02-25", "2018-05-04", "2018-05-06", "2018-07-05", "2018-08-07", "2018-10-06"):
        assert share[day] < 0.03


def test_gers_grids_of_10_m_and_20_m_are_aligned(tmp_path):
    path = catalogue(
        tmp_path, "s2_gers_20181023",
        'image:\n- {pattern: "*_10m.tif", bands: [B02, B03, B04, B08]}\n'
        '- {pattern: "*_20m.tif", bands: [B05, B06, B07, B8A, B11, B12]}\n'
        'mask: {pattern: "*_CLM_R1.tif", kind: mask}\n',
    )  # fmt: skip
    bounds = around("s2_gers_20181023", 1000)
    settings = ImagerySettings(cloud_mask="mask", months=(10,))
    items = search(path, settings, bounds, 2018)
    mosaic = monthly_mosaic(items, geobox(bounds, 10), settings, 2018)
    check_mosaic(mosaic, settings)
    # B08 and B8A see nearly the same: a shift between their grids lowers the correlation.
    nir, narrow = (mosaic["reflectance"].sel(band=b).values[0] for b in ("B08", "B8A"))
    inner, best = (slice(3, -3), slice(3, -3)), {}
    for dy, dx in np.ndindex(3, 3):
        moved = np.roll(narrow, (dy - 1, dx - 1), axis=(0, 1))
        best[dy - 1, dx - 1] = np.corrcoef(nir[inner].ravel(), moved[inner].ravel())[0, 1]
    assert max(best, key=best.get) == (0, 0)
