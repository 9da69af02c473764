"""Reference layers that others made, with the faults they have, and their files.

Every layer has the file layout of a real product, so that a project file reads either. Rates
and sizes of the faults, with their sources, are in ``data/reference_errors.csv``.

==================  ==========================  ============  ===================================
file                real counterpart            detail        faults
==================  ==========================  ============  ===================================
clcplus.tif         CLC+ Backbone 2021          10 m          confusions by class, borders
n2k2018.gpkg        N2K 2018                    0.5 ha        age, borders, labels by class
rpz2018.gpkg        Riparian Zones 2018         0.5 ha        the same; no data here and there
clc2018.gpkg        CORINE Land Cover 2018      25 ha, 100 m  generalisation, age, labels
hrl/TCD, FTY, GRA,  High Resolution Layers      10 m          noise, omissions, commissions, age
IMD_2018_010m.tif   2018
lucas.gpkg          LUCAS                       points        records of distant points
heights.tif         Copernicus DEM GLO-30       30 m          noise that neighbours share
==================  ==========================  ============  ===================================
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from bocage.grid import NATIVE
from bocage.legend import Legend
from bocage.rasters import wrap, write_geotiff
from bocage.simulate._clc import clc
from bocage.simulate._clcplus import NO_CLASS, clcplus
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._heights import SPACING, heights
from bocage.simulate._hrl import OUTSIDE, hrl
from bocage.simulate._landscape import Landscape
from bocage.simulate._noise import FloatArray
from bocage.simulate._polygons import n2k, riparian
from bocage.simulate._survey import survey
from bocage.simulate._vector import write_layers

LAYERS = {
    "n2k2018": "n2k2018",
    "rpz2018": "rpz_DU001A_lclu_2018",
    "clc2018": "U2018_CLC2018_V2020_20u1",
    "lucas": "lucas",
}
"""Name of the layer in each vector file."""


@dataclass(frozen=True)
class References:
    """Reference layers of a landscape.

    Attributes
    ----------
    clcplus
        uint8 on the grid of 10 m.
    hrl
        ``TCD``, ``FTY``, ``GRA`` and ``IMD``: uint8 on the grid of 10 m.
    vectors
        Polygons and points by the name of their file.
    heights
        Metres above the sea, float32 on the grid of 30 m.
    """

    clcplus: NDArray[np.uint8]
    hrl: dict[str, NDArray[np.uint8]]
    vectors: dict[str, gpd.GeoDataFrame]
    heights: FloatArray


def reference_layers(
    truth: dict[int, NDArray[np.uint8]],
    older: NDArray[np.uint8],
    landscape: Landscape,
    sites: gpd.GeoDataFrame | None,
    legend: Legend,
    seed: Seed,
) -> References:
    """All reference layers.

    Parameters
    ----------
    truth
        Class index of every pixel of 2.5 m by year, shape (y, x).
    older
        The same some years before the first one: the age of the layers of 2018.
    landscape
        The state of the first year: its water and relief tell where Riparian Zones reach.
    sites
        Polygons with ``site_id``; None: the polygons of N2K are not named after sites.
    """
    domain = landscape.domain
    return References(
        clcplus=clcplus(truth[min(truth)], legend, domain, seed),
        hrl=hrl(older, legend, domain, seed),
        vectors={
            "n2k2018": n2k(older, legend, domain, seed, sites),
            "rpz2018": riparian(older, landscape.streams, landscape.height, legend, domain, seed),
            "clc2018": clc(older, legend, domain, seed),
            "lucas": survey(truth, legend, domain, seed),
        },
        heights=heights(landscape.height, domain, seed),
    )


def write_references(out: Path, layers: References, domain: Domain) -> list[Path]:
    """Write the reference layers under ``reference/`` of the folder of the area."""
    folder = out / "reference"
    box = domain.geobox(NATIVE)
    rasters = {"clcplus": (layers.clcplus, NO_CLASS, "clcplus")} | {
        f"hrl/{name}_2018_010m": (values, OUTSIDE, name) for name, values in layers.hrl.items()
    }
    written = []
    for name, (values, nodata, band) in rasters.items():
        path = folder / f"{name}.tif"
        write_geotiff(path, wrap(values, box), nodata=nodata, descriptions=[band])
        written.append(path)
    path = folder / "heights.tif"
    write_geotiff(path, wrap(layers.heights, domain.geobox(SPACING)), descriptions=["height"])
    written.append(path)
    for name, frame in layers.vectors.items():
        kind = "Point" if name == "lucas" else "Polygon"
        written.append(write_layers(folder / f"{name}.gpkg", {LAYERS[name]: (frame, kind)}))
    return written
