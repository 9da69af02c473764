"""Reference layers as they are: coarser than the truth, older, shifted and wrong in places."""

from __future__ import annotations

import csv
from importlib import resources

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes, sieve

from bocage.grid import CRS, FINE, NATIVE
from bocage.legend import Legend, load_crosswalk
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import cells, fractal

WRONG_PIXELS = 0.06
"""Share of the raster layer that is another class, in patches."""

WRONG_POLYGONS = 0.05
"""Share of the polygons whose class is wrong."""

MOST_WRONG_M2 = 150_000.0
"""Larger polygons have the right class."""

SHIFT_M = 3.0
"""Standard deviation of the position of polygon borders."""

POLYGON_PIXEL = 5.0
"""Pixel size in metres of the raster that polygons are traced from."""

MMU_M2 = 5000.0
"""Smallest polygon."""

POINT_SPACING_M = 250.0
"""Spacing of the survey points."""

NO_CLASS = 255


def clcplus(
    classes: NDArray[np.uint8], legend: Legend, domain: Domain, seed: Seed
) -> NDArray[np.uint8]:
    """A raster of 10 m in the codes of CLC+ Backbone from the truth.

    Parameters
    ----------
    classes
        Class index of every pixel of 2.5 m, shape (y, x).

    Returns
    -------
    numpy.ndarray
        uint8, shape (y / 4, x / 4): most frequent code of each pixel, borders shifted by
        up to a pixel, `WRONG_PIXELS` of the area mistaken for a similar class.
    """
    walk = load_crosswalk("clcplus", legend)
    table = np.full(256, NO_CLASS, np.uint8)
    for position, code in enumerate(legend.codes(), start=1):
        table[position] = int(walk.from_legend(code) or NO_CLASS)
    coarse = _mode(table[classes], round(NATIVE / FINE))
    coarse = _shifted(coarse, 0.6, 24.0, seed.at("clcplus", "shift"))
    return _mistaken(coarse, domain, seed)


def _mode(codes: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    rows, columns = codes.shape[0] // factor, codes.shape[1] // factor
    best = np.zeros((rows, columns), np.uint8)
    most = np.zeros((rows, columns), np.uint8)
    for code in np.unique(codes):
        blocks = (codes == code).reshape(rows, factor, columns, factor)
        count = blocks.sum(axis=(1, 3), dtype=np.uint8)
        best = np.where(count > most, code, best)
        most = np.maximum(most, count)
    return best


def _shifted(
    values: NDArray[np.uint8], deviation: float, wavelength: float, seed: int
) -> NDArray[np.uint8]:
    """Move pixels by a smooth random displacement; deviation and wavelength in pixels."""
    axis_y, axis_x = (np.arange(n, dtype=float) for n in values.shape)
    down = fractal(axis_y, axis_x, wavelength, seed, octaves=2) * deviation
    right = fractal(axis_y, axis_x, wavelength, seed + 5, octaves=2) * deviation
    rows = np.clip(np.rint(axis_y[:, None] + down), 0, values.shape[0] - 1).astype(int)
    columns = np.clip(np.rint(axis_x[None, :] + right), 0, values.shape[1] - 1).astype(int)
    moved: NDArray[np.uint8] = values[rows, columns]
    return moved


def _mistaken(codes: NDArray[np.uint8], domain: Domain, seed: Seed) -> NDArray[np.uint8]:
    axis = domain.axis(NATIVE)
    warp_y = 25 * fractal(axis, axis, 120, seed.at("clcplus", "warp"), octaves=3)
    warp_x = 25 * fractal(axis, axis, 120, seed.at("clcplus", "warp") + 5, octaves=3)
    patch = cells(warp_y, warp_x, NATIVE, 95, seed.at("clcplus", "patches"))
    names, number = np.unique(patch, return_inverse=True)
    rng = seed.rng("clcplus", "wrong")
    wrong = (rng.random(len(names)) < WRONG_PIXELS)[number]
    second = (rng.random(len(names)) < 0.3)[number]
    table = np.tile(np.arange(256, dtype=np.uint8), (2, 1))
    text = (resources.files("bocage.simulate") / "data" / "clcplus_confusions.csv").read_text()
    for row in csv.DictReader(text.splitlines()):
        others = [int(c) for c in row["taken_for"].split(";")]
        table[:, int(row["code"])] = others[0], others[-1]
    return np.where(wrong, np.where(second, table[1][codes], table[0][codes]), codes)


def n2k(classes: NDArray[np.uint8], legend: Legend, domain: Domain, seed: Seed) -> gpd.GeoDataFrame:
    """Polygons in the codes of N2K 2018 from an earlier state of the truth.

    Returns
    -------
    geopandas.GeoDataFrame
        Column ``code_4_18`` (int) and valid polygons in EPSG:3035 that do not overlap, of
        about `MMU_M2` at least, borders `SHIFT_M` off, `WRONG_POLYGONS` of them wrong.
    """
    step = round(POLYGON_PIXEL / FINE)
    coarse = classes[step // 2 :: step, step // 2 :: step]
    coarse = _shifted(coarse, SHIFT_M / POLYGON_PIXEL, 40.0, seed.at("n2k", "shift"))
    coarse = sieve(np.ascontiguousarray(coarse), round(MMU_M2 / POLYGON_PIXEL**2), connectivity=4)
    affine = domain.geobox(POLYGON_PIXEL).affine
    traced = list(shapes(coarse, connectivity=4, transform=affine))
    outlines = np.array([shapely.geometry.shape(geometry) for geometry, _ in traced], object)
    index = np.array([int(value) for _, value in traced])
    outlines = shapely.coverage_simplify(outlines, 4.0)
    index = _mislabelled(index, shapely.area(outlines), legend, seed)
    walk = load_crosswalk("n2k2018", legend)
    codes = legend.codes()
    names = [int(walk.from_legend(codes[i - 1]) or 0) for i in index]
    frame = gpd.GeoDataFrame({"code_4_18": names}, geometry=list(outlines), crs=CRS)
    if not frame.geometry.is_valid.all():
        frame = frame.set_geometry(shapely.make_valid(frame.geometry.to_numpy()))
        frame = frame.explode(ignore_index=True)
        frame = frame[frame.geometry.geom_type == "Polygon"].reset_index(drop=True)
    return frame.astype({"code_4_18": np.int32})


def _mislabelled(
    index: NDArray[np.int64], area: NDArray[np.float64], legend: Legend, seed: Seed
) -> NDArray[np.int64]:
    """Take a share of polygons for a similar class that occurs in the layer."""
    rng = seed.rng("n2k", "wrong")
    present = np.unique(index)
    # Nobody mistakes the river, or the fields of a whole valley.
    wrong = np.flatnonzero((rng.random(index.size) < WRONG_POLYGONS) & (area < MOST_WRONG_M2))
    result = index.copy()
    for polygon in wrong:
        own = index[polygon]
        others = present[present != own]
        weight = legend.similarity[own - 1, others - 1].astype(float) ** 2 + 0.01
        result[polygon] = rng.choice(others, p=weight / weight.sum())
    return result


def survey(
    classes: dict[int, NDArray[np.uint8]], legend: Legend, domain: Domain, seed: Seed
) -> gpd.GeoDataFrame:
    """Points on a systematic grid with the true class of each year.

    Parameters
    ----------
    classes
        Class index of every pixel of 2.5 m by year.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``point_id``, ``code_<year>`` (leaf codes) and points in EPSG:3035.
    """
    rng = seed.rng("survey")
    side = 2 * domain.half
    count = max(1, int(side // POINT_SPACING_M))
    axis = domain.margin + (np.arange(count) + 0.5) * side / count
    x, y = np.meshgrid(axis, axis)
    x = x.ravel() + rng.uniform(-40, 40, x.size)
    y = y.ravel() + rng.uniform(-40, 40, y.size)
    table = legend.code_table()
    row, column = (y // FINE).astype(int), (x // FINE).astype(int)
    # Pixel centres: a reader that rounds the other way finds the same class.
    x, y = (column + 0.5) * FINE, (row + 0.5) * FINE
    data: dict[str, object] = {"point_id": np.arange(1, x.size + 1, dtype=np.int32)}
    for year, layer in classes.items():
        data[f"code_{year}"] = table[layer[row, column]]
    places = np.asarray(shapely.points(domain.west + x, domain.north - y))
    return gpd.GeoDataFrame(data, geometry=list(places), crs=CRS)
