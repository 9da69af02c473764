"""What the benchmarks of the virtual testbed share."""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import numpy as np
import pyogrio
import rasterio
from numpy.typing import NDArray
from rasterio.features import rasterize

from bocage.grid import FINE, geobox
from bocage.legend import OUTSIDE, Legend, load_legend
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._landscape import build_landscape
from bocage.simulate._tables import class_table, list_landscapes, region

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
IMAGES = ROOT / "docs" / "images"
FOOTPRINT = "n2k_cz_2"

ClassArray = NDArray[np.uint8]

OLD_CODES = {
    1111: 1110, 1112: 1110, 1113: 1110, 3410: 3400, 3420: 3500, 4210: 4212, 9110: 8110, 9210: 8210,
}  # fmt: skip
"""Codes of the layers of 2012 that the present legend writes otherwise."""


@cache
def area_named(text: str) -> tuple[str, int]:
    """Region and seed of a virtual area, such as ``boreal:72``; for a command line."""
    region_, _, seed = text.partition(":")
    if not seed.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not REGION:SEED, such as boreal:72")
    return region_, int(seed)


def legend() -> Legend:
    """The legend of the truth."""
    return load_legend("pa")


def landscapes(names: list[str]) -> list[str]:
    """Names that were asked for, or all of them."""
    return names or list(list_landscapes())


def virtual_classes(name: str, size_km: float, seed: int) -> ClassArray:
    """True class index of a landscape at 2.5 m, without its margin; shape (y, x)."""
    countryside = region(name)
    domain = Domain.around(countryside.place, size_km)
    land = build_landscape(domain, countryside, Seed(seed, name)).land
    rim = round(domain.margin / FINE)
    classes: ClassArray = class_table(legend())[land[rim:-rim, rim:-rim]]
    return classes


def real_layers() -> dict[str, ClassArray]:
    """Class index at 2.5 m of the real polygon layers beside the checkout, by name.

    N2K 2012 over two groups of sites with their surroundings in northern Bohemia, and Riparian
    Zones 2012 along a river of southern France.
    """
    found: dict[str, ClassArray] = {}
    for number in (0, 2):
        path = DATA / "clms_n2k_cz" / f"n2k_cz_cluster{number}_maes4_2012_2m5.tif"
        with rasterio.open(path) as source:
            found[f"n2k_cz_{number}"] = _indices(source.read(1))
    frame = pyogrio.read_dataframe(DATA / "clms_other" / "rpz_DU001B_lclu_2018_2012_v03.gpkg")
    box = geobox(tuple(frame.total_bounds), FINE)
    shapes = list(zip(frame.geometry, frame["CODE_4_12"].astype(int), strict=True))
    codes = rasterize(shapes, box.shape, transform=box.affine, dtype="uint16")
    found["rpz_DU001B"] = _indices(codes)
    return found


def _indices(codes: NDArray[np.integer]) -> ClassArray:
    """Class indices of leaf codes of 2012; 0 is outside."""
    turned = codes.astype(np.int32)
    for old, new in OLD_CODES.items():
        turned[codes == old] = new
    return np.where(codes == 0, np.uint8(OUTSIDE), legend().encode(turned))


def cut_like(classes: ClassArray, footprint: ClassArray) -> ClassArray:
    """A square of classes cut to the outline of a real layer laid over its middle.

    Patches of both are then cut by the same edge.
    """
    shape = [min(a, b) for a, b in zip(classes.shape, footprint.shape, strict=True)]
    inner = [_middle(classes, shape), _middle(footprint, shape)]
    return np.where(inner[1] == OUTSIDE, np.uint8(OUTSIDE), inner[0])


def _middle(array: ClassArray, shape: list[int]) -> ClassArray:
    rows, columns = ((a - b) // 2 for a, b in zip(array.shape, shape, strict=True))
    return array[rows : rows + shape[0], columns : columns + shape[1]]


def at_level(classes: ClassArray, level: int) -> ClassArray:
    """Position (from 1) of each pixel's class among those of a level; outside stays."""
    table = legend().code_table(level)
    order = {code: i for i, code in enumerate(legend().codes(level), start=1)}
    positions = np.array([order.get(int(code), 0) for code in table], np.uint8)
    positions[OUTSIDE] = OUTSIDE
    return positions[classes]
