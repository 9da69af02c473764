"""Polygon layers at 1:10,000 like Natura 2000 (N2K) and Riparian Zones land cover of 2018."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage

from bocage.grid import FINE
from bocage.legend import Legend
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import code_of, faults, mislabelled, representatives, shifted
from bocage.simulate._noise import FloatArray
from bocage.simulate._streams import STEP, Stream
from bocage.simulate._tables import rows
from bocage.simulate._tracing import relabelled, sieved, traced

PIXEL = 5.0
"""Pixel size in metres of the raster that polygons are traced from."""

SMOOTH_M = 4.0
"""Corners of the traced pixels below the square of it are cut off."""

HECTARE = 10_000.0

SCRAP_HA = 0.1
"""Smaller pieces of a strip that its border cuts off are left out."""


def n2k(
    classes: NDArray[np.uint8],
    legend: Legend,
    domain: Domain,
    seed: Seed,
    sites: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Land cover of Natura 2000 sites and their surroundings in the codes of N2K 2018.

    The real product was drawn by eye over images of 2 to 4 m, in units of 0.5 ha and 10 m, for
    sites that are rich in grassland and 2 km around them; its validation found 96.7 % right.
    Modelled: the state of some years before, the least unit, borders a few metres off, and
    polygons of each class wrong as often as the manual tells (more of them, for a blind look
    finds more).

    Parameters
    ----------
    classes
        Class index of every pixel of 2.5 m in the year of the layer, shape (y, x).
    sites
        Polygons with ``site_id``; they name the polygons inside. None: no polygon is named.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``uid``, ``sitecode`` (null outside the sites), ``code_1_18`` to ``code_4_18``
        (int), ``nodata_18``, ``comment_18``, ``area_ha``, and valid polygons in EPSG:3035 that
        do not overlap.
    """
    index = _mapped(classes, None, "n2k2018", legend, domain, seed)
    frame = traced(index, domain, PIXEL, SMOOTH_M)
    codes = code_of("n2k2018", legend)
    inside = shapely.point_on_surface(frame.geometry.to_numpy())
    data = {
        "uid": np.array([f"1_{n}" for n in range(1, len(frame) + 1)], object),
        "sitecode": _site_of(inside, sites),
        **_levels(np.array([codes[i] for i in frame["index"]], np.int32), "code_{}_18"),
        "nodata_18": np.zeros(len(frame), np.int32),
        "comment_18": _comment(
            frame, "n2k2018", "Area size exception (at Natura2000 AoI boundary)"
        ),
        "area_ha": np.round(frame.area.to_numpy() / HECTARE, 4),
    }
    return gpd.GeoDataFrame(data, geometry=frame.geometry.to_numpy(), crs=frame.crs)


def riparian(
    classes: NDArray[np.uint8],
    streams: tuple[Stream, ...],
    height: FloatArray,
    legend: Legend,
    domain: Domain,
    seed: Seed,
) -> gpd.GeoDataFrame:
    """Land cover along rivers in the codes of Riparian Zones 2018.

    The real product covers a modelled strip along rivers of order 2 to 9 of EU-Hydro, in units
    of 0.5 ha and 10 m drawn by eye; overall accuracy above 85 % and position within 5 m are
    asked for. Modelled: as N2K, in `corridor` only, with a few polygons without data.

    Parameters
    ----------
    classes
        Class index of every pixel of 2.5 m in the year of the layer, shape (y, x).
    streams, height
        Running water, and the relief on the grid of 20 m.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``DU_ID``, ``UA_18``, ``NODATA_18``, ``COMMENT_18``, ``AREA_HA``, ``CODE_1_18``
        to ``CODE_4_18``, ``UID``, and valid polygons in EPSG:3035; no row without a river.
    """
    strip = corridor(streams, height, domain) & ~_sea(classes, legend)
    index = _mapped(classes, strip, "rpz2018", legend, domain, seed)
    frame = traced(index, domain, PIXEL, SMOOTH_M)
    # Scraps of the strip at the border of the square are no units.
    frame = frame[frame.area >= SCRAP_HA * HECTARE].reset_index(drop=True)
    codes = code_of("rz2018", legend)
    blank = seed.rng("rpz2018", "nodata").random(len(frame)) < faults("rpz2018")["nodata"]
    number = np.where(blank, 0, np.array([codes[i] for i in frame["index"]], np.int32))
    data = {
        "DU_ID": np.full(len(frame), "DU001A", object),
        "UA_18": np.full(len(frame), None, object),
        "NODATA_18": blank.astype(np.int32),
        "COMMENT_18": _comment(
            frame, "rpz2018", "Area size exception (at RZ_AoI / UA Core Region boundary)"
        ),
        "AREA_HA": np.round(frame.area.to_numpy() / HECTARE, 4),
        **_levels(number.astype(np.int32), "CODE_{}_18"),
        "UID": np.array([str(n) for n in range(1, len(frame) + 1)], object),
    }
    return gpd.GeoDataFrame(data, geometry=frame.geometry.to_numpy(), crs=frame.crs)


def corridor(streams: tuple[Stream, ...], height: FloatArray, domain: Domain) -> NDArray[np.bool_]:
    """The riparian strip: the banks of larger rivers and the low land beside them.

    Parameters
    ----------
    streams
        Running water; rivers below the order of ``rpz2018`` and canals have no strip.
    height
        Relief on the grid of 20 m.

    Returns
    -------
    numpy.ndarray
        bool on the grid of 5 m, shape (y, x).
    """
    least = faults("rpz2018")["order"]
    wide = [s for s in streams if s.order >= least and not s.canal]
    size = domain.count(PIXEL)
    if not wide:
        return np.zeros((size, size), bool)
    number = rasterize(
        [(stream.line, n) for n, stream in enumerate(wide, start=1)],
        height.shape,
        transform=domain.local_affine(STEP),
        all_touched=True,
        dtype="int32",
    )
    if not number.any():
        return np.zeros((size, size), bool)
    water, near = ndimage.distance_transform_edt(number == 0, return_indices=True)
    water = water * STEP
    reach = np.array([0.0, *(min(600.0, 60.0 + 14.0 * stream.width) for stream in wide)])
    reach = reach[number[near[0], near[1]]]
    above = height - height[near[0], near[1]]
    strip = (water < 0.25 * reach) | ((water < reach) & (above < 3.0))
    soft = ndimage.gaussian_filter(strip.astype(np.float32), 1.5)
    fine = ndimage.zoom(soft, round(STEP / PIXEL), order=1, grid_mode=True, mode="nearest")
    return np.asarray(fine > 0.5)


def _sea(classes: NDArray[np.uint8], legend: Legend) -> NDArray[np.bool_]:
    """Where the sea is, on the grid of 5 m."""
    open_sea = [int(r["code"]) for r in rows("hrl.csv") if r["sea"] == "1"]
    table = np.zeros(256, bool)
    table[[legend.index(code) for code in open_sea]] = True
    step = round(PIXEL / FINE)
    found: NDArray[np.bool_] = table[classes[step // 2 :: step, step // 2 :: step]]
    return found


def _mapped(
    classes: NDArray[np.uint8],
    mask: NDArray[np.bool_] | None,
    layer: str,
    legend: Legend,
    domain: Domain,
    seed: Seed,
) -> NDArray[np.uint8]:
    """Class index of every pixel of 5 m as the layer has it; 0 outside the mask."""
    rates = faults(layer)
    crosswalk = "rz2018" if layer == "rpz2018" else layer
    same = representatives(code_of(crosswalk, legend))
    step = round(PIXEL / FINE)
    coarse = same[classes[step // 2 :: step, step // 2 :: step]]
    coarse = shifted(coarse, rates["shift"] / PIXEL, 40.0, seed.at(layer, "shift"))
    if mask is not None:
        coarse = np.where(mask, coarse, np.uint8(0))
    coarse = sieved(coarse, round(rates["mmu"] * HECTARE / PIXEL**2), mask)
    wrong = _wrong_labels(legend, rates["label_floor"])

    def change(index: NDArray[np.int64], area: NDArray[np.float64]) -> NDArray[np.int64]:
        rng = seed.rng(layer, "wrong")
        mistaken = mislabelled(index, area, wrong, rates["label_limit"] * HECTARE, legend, rng)
        return same[mistaken].astype(np.int64)

    return relabelled(coarse, PIXEL, change)


def _wrong_labels(legend: Legend, floor: float) -> NDArray[np.float64]:
    """How often a polygon of each class index is wrong, shape (256,)."""
    users = _users()
    rates = np.full(256, floor)
    for index, code in enumerate(legend.codes(), start=1):
        rates[index] = max(floor, 1 - users.get(code, 1 - floor))
    return rates


@cache
def _users() -> dict[int, float]:
    return {int(r["code"]): float(r["users"]) / 100 for r in rows("n2k_accuracy.csv")}


def _levels(codes: NDArray[np.int32], name: str) -> dict[str, NDArray[np.int32]]:
    """The four levels of codes of four digits."""
    return {
        name.format(level): (codes // 10 ** (4 - level)).astype(np.int32) for level in (1, 2, 3, 4)
    }


def _comment(frame: gpd.GeoDataFrame, layer: str, text: str) -> NDArray[np.object_]:
    """The comment of polygons below the least unit, which the border of the layer cuts off."""
    small = frame.area.to_numpy() < faults(layer)["mmu"] * HECTARE
    comment = np.full(len(frame), None, object)
    comment[small] = text
    return comment


def _site_of(points: NDArray[np.object_], sites: gpd.GeoDataFrame | None) -> NDArray[np.object_]:
    """Name of the site that each point lies in, None outside all of them."""
    names = np.full(points.size, None, object)
    if sites is None or points.size == 0:
        return names
    found, site = shapely.STRtree(sites.geometry.to_numpy()).query(points, predicate="intersects")
    names[found] = sites["site_id"].to_numpy()[site]
    return names
