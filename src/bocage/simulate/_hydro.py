"""A river network with lakes and wide rivers like EU-Hydro."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from bocage.grid import CRS, FINE
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import faults, shifted
from bocage.simulate._landscape import Landscape
from bocage.simulate._redraw import inside, redrawn, with_gap
from bocage.simulate._streams import Stream
from bocage.simulate._tables import lands, rows
from bocage.simulate._tracing import traced

PIXEL = 5.0
"""Pixel size in metres of the raster that water bodies are traced from."""

RIVER, CANAL = "BH140", "BH020"
"""Feature codes (DIGEST FACC) of lines."""

AREAS = ("River_Net_p", "Canals_p", "InlandWater", "Transit_p")
"""Layers of polygons."""

LINE_TYPE, AREA_TYPE = "LineString", "Polygon"


def hydro_layers(landscape: Landscape, seed: Seed) -> dict[str, tuple[gpd.GeoDataFrame, str]]:
    """Layers of EU-Hydro and the type of their geometry.

    The real net was read from images of 2.5 to 20 m around 2006 and 2012 and completed with a
    drainage model; water bodies from 1 ha are polygons. Modelled: an error of position of some
    metres (more than that of OpenStreetMap), many headwaters and a few other pieces missing,
    small water bodies missing.

    Returns
    -------
    dict
        ``River_Net_l`` and ``Canals_l`` (``OBJECT_ID``, ``DFDD``, ``STRAHLER``, ``LENGTH`` in
        metres, ``NAMETXT``, null) and `AREAS` (``OBJECT_ID``, ``DFDD``, ``AREA`` in square
        metres, ``NAMETXT``) in EPSG:3035; every layer is there, if empty.
    """
    rivers = [(n, s) for n, s in enumerate(landscape.streams) if not s.canal]
    canals = [(n, s) for n, s in enumerate(landscape.streams) if s.canal]
    domain = landscape.domain
    found = {
        "River_Net_l": (_lines(rivers, RIVER, "RL", domain, seed), LINE_TYPE),
        "Canals_l": (_lines(canals, CANAL, "CL", domain, seed), LINE_TYPE),
    }
    return found | {name: (_bodies(landscape, name, seed), AREA_TYPE) for name in AREAS}


def _lines(
    streams: list[tuple[int, Stream]], code: str, prefix: str, domain: Domain, seed: Seed
) -> gpd.GeoDataFrame:
    rates = faults("eu_hydro")
    square = shapely.box(0, 0, domain.side, domain.side)
    shapes = []
    orders: list[int] = []
    for number, stream in streams:
        rng = seed.rng("hydro", number)
        if not stream.canal and stream.order <= 1 and rng.random() < rates["missing_first"]:
            continue
        drawn = redrawn(stream.line, rates["shift"], seed.at("hydro", number))
        for piece in inside(drawn, square):
            for kept in with_gap(piece, rates["missing"], rng):
                shapes.append(domain.to_map(kept))
                orders.append(stream.order)
    rounded = list(shapely.set_precision(np.array(shapes, object), 0.01)) if shapes else []
    frame = gpd.GeoDataFrame(geometry=rounded, crs=CRS)
    data = {
        "OBJECT_ID": _names(prefix, len(rounded), seed),
        "DFDD": np.full(len(rounded), code, object),
        "STRAHLER": np.array(orders, np.int32),
        "LENGTH": np.round(frame.length.to_numpy(), 2),
        "NAMETXT": np.full(len(rounded), None, object),
    }
    return gpd.GeoDataFrame(data, geometry=frame.geometry.to_numpy(), crs=CRS)


def _bodies(landscape: Landscape, layer: str, seed: Seed) -> gpd.GeoDataFrame:
    """Water bodies of a layer, traced from the land."""
    rates = faults("eu_hydro")
    domain = landscape.domain
    codes = [code for code, (name, _, _) in _areas().items() if name == layer]
    kinds = np.zeros(256, np.uint8)
    for position, land in enumerate(lands()):
        if land.code in codes:
            kinds[position] = codes.index(land.code) + 1
    step = round(PIXEL / FINE)
    water = kinds[landscape.land[step // 2 :: step, step // 2 :: step]]
    if layer in ("River_Net_p", "Canals_p"):
        water = np.where(_wide(landscape), water, np.uint8(0))
    water = shifted(water, rates["shift"] / PIXEL, 60.0, seed.at("hydro", layer))
    frame = traced(water, domain, PIXEL, 10.0)
    frame = frame[frame.area >= rates["mmu"] * 10_000].reset_index(drop=True)
    own = [codes[i - 1] for i in frame["index"]]
    prefix = next(mark for name, _, mark in _areas().values() if name == layer)
    data = {
        "OBJECT_ID": _names(prefix, len(frame), seed),
        "DFDD": np.array([_areas()[code][1] for code in own], object),
        "AREA": np.round(frame.area.to_numpy(), 1),
        "NAMETXT": np.full(len(frame), None, object),
    }
    return gpd.GeoDataFrame(data, geometry=frame.geometry.to_numpy(), crs=frame.crs)


def _wide(landscape: Landscape) -> NDArray[np.bool_]:
    """Around rivers and canals that are wide enough to be polygons, on the grid of 5 m."""
    least = faults("eu_hydro")["polygon_width"]
    domain = landscape.domain
    shapes = [s.line.buffer(s.width + 10) for s in landscape.streams if s.width >= least]
    size = domain.count(PIXEL)
    if not shapes:
        return np.zeros((size, size), bool)
    affine = domain.local_affine(PIXEL)
    return np.asarray(rasterize(shapes, (size, size), transform=affine, dtype="uint8") > 0)


def _names(prefix: str, count: int, seed: Seed) -> NDArray[np.object_]:
    first = seed.at("hydro", prefix) % 10**5 * 1000
    return np.array([f"{prefix}{first + n:08d}" for n in range(1, count + 1)], object)


@cache
def _areas() -> dict[int, tuple[str, str, str]]:
    """Layer, feature code and prefix of the names by leaf of the legend."""
    return {int(r["code"]): (r["layer"], r["dfdd"], r["prefix"]) for r in rows("hydro.csv")}
