"""Points of a ground survey like LUCAS."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from bocage.grid import CRS, FINE
from bocage.legend import Legend
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import faults
from bocage.simulate._tables import rows

IN_SITU, FROM_AFAR, ON_PHOTO = 1, 2, 7
"""Kinds of observation in the words of LUCAS: within 100 m, from farther away, in the office."""


def survey(
    classes: dict[int, NDArray[np.uint8]], legend: Legend, domain: Domain, seed: Seed
) -> gpd.GeoDataFrame:
    """Points on a systematic grid with the true class of each year and the surveyor's record.

    The real survey visits points of a grid of 2 km; some are seen from a distance or on a
    photograph only. Here the grid is denser, for a small area would have no point. The columns
    ``code_<year>`` are the truth; the record in ``lc1`` is sometimes wrong, more often where
    the surveyor did not stand on the point.

    Parameters
    ----------
    classes
        Class index of every pixel of 2.5 m by year.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``point_id``, ``code_<year>`` (leaf codes), ``lc1`` and ``lu1`` (cover and use
        of the first year in the codes of LUCAS), ``obs_type``, ``obs_dist`` (metres),
        ``th_long``, ``th_lat`` (degrees), and points in EPSG:3035.
    """
    rates = faults("lucas")
    rng = seed.rng("survey")
    side = 2 * domain.half
    count = max(1, int(side // rates["spacing"]))
    axis = domain.margin + (np.arange(count) + 0.5) * side / count
    x, y = np.meshgrid(axis, axis)
    x = x.ravel() + rng.uniform(-rates["jitter"], rates["jitter"], x.size)
    y = y.ravel() + rng.uniform(-rates["jitter"], rates["jitter"], y.size)
    table = legend.code_table()
    row, column = (y // FINE).astype(int), (x // FINE).astype(int)
    # Pixel centres: a reader that rounds the other way finds the same class.
    x, y = domain.west + (column + 0.5) * FINE, domain.north - (row + 0.5) * FINE
    data: dict[str, object] = {"point_id": np.arange(1, x.size + 1, dtype=np.int32)}
    for year, layer in classes.items():
        data[f"code_{year}"] = table[layer[row, column]]
    first = table[classes[min(classes)][row, column]]
    data.update(_record([int(code) for code in first], seed))
    degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)
    data["th_long"], data["th_lat"] = (np.round(values, 6) for values in degrees)
    return gpd.GeoDataFrame(data, geometry=list(np.asarray(shapely.points(x, y))), crs=CRS)


def _record(codes: list[int], seed: Seed) -> dict[str, object]:
    """What the surveyor wrote down."""
    rates = faults("lucas")
    rng = seed.rng("survey", "record")
    kind = rng.choice(
        [IN_SITU, FROM_AFAR, ON_PHOTO],
        len(codes),
        p=[1 - rates["far"] - rates["photo"], rates["far"], rates["photo"]],
    )
    near = np.minimum(99, rng.exponential(6, len(codes)))
    far = 100 + rng.exponential(120, len(codes))
    distance = np.select([kind == IN_SITU, kind == FROM_AFAR], [near, far], np.nan)
    wrong = rng.random(len(codes)) < rates["wrong"] * np.where(kind == IN_SITU, 1, 2)
    pick = rng.random(len(codes))
    covers: list[str] = []
    uses: list[str] = []
    for position, code in enumerate(codes):
        options, use, mistake = _labels()[code]
        cover = options[int(pick[position] * len(options))]
        covers.append(mistake if wrong[position] else cover)
        uses.append(use)
    return {
        "lc1": np.array(covers, object),
        "lu1": np.array(uses, object),
        "obs_type": kind.astype(np.int32),
        "obs_dist": np.round(distance),
    }


@cache
def _labels() -> dict[int, tuple[list[str], str, str]]:
    """Covers, use and usual mistake of each leaf of the legend."""
    return {
        int(r["code"]): (r["lc1"].split(";"), r["lu1"], r["taken_for"]) for r in rows("lucas.csv")
    }
