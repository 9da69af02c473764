"""A clean status layer of any number of polygons, for measuring the delivery check."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from bocage.grid import DeliveryUnit
from bocage.legend import load_legend
from bocage.products import Delivery, load_schema, status_layer, write_boundary, write_layer

Floats = NDArray[np.float64]

CELL_M = 150.0
JITTER_M = 20.0
WIGGLE_M = 6.0
EDGE_POINTS = 15  # four edges make 60 vertices a polygon
WEST, SOUTH = 4_000_000.0, 2_500_000.0
GROUPS = 5  # classes of cells by their place in a 2 x 2 pattern, and of merged cells


def coverage(count: int, seed: int = 1) -> gpd.GeoDataFrame:
    """Polygons that fit to each other vertex by vertex; no two neighbours share a class.

    Most are cells of a bent grid. Some are merged to strips of thirty cells (roads, rivers),
    some to blocks of a few hundred with many holes (forests with clearings), since a few long
    and holed polygons decide what pairwise tests cost.

    Parameters
    ----------
    count
        Least number of polygons.
    seed
        Of bends and classes.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns ``code`` and ``geometry``, coordinates in whole millimetres.
    """
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(1.08 * count + 330)))  # merging takes some away
    cells = _cells(side, rng)
    row, column = np.divmod(np.arange(side * side), side)
    merged = _merged(row, column)
    kind = np.where(merged >= 0, GROUPS - 1, (row % 2) * 2 + column % 2)
    alone = merged < 0
    groups = [np.flatnonzero(merged == g) for g in range(merged.max() + 1)]
    shapes = np.concatenate(
        [cells[alone], [shapely.coverage_union_all(cells[g]) for g in groups]], dtype=object
    )
    kinds = np.concatenate([kind[alone], kind[[g[0] for g in groups]]]) if groups else kind
    leaves = np.array([c.code for c in load_legend("pa").classes])
    choices = [leaves[np.arange(len(leaves)) % GROUPS == g] for g in range(GROUPS)]
    codes = np.empty(len(shapes), dtype=np.int64)
    for group, choice in enumerate(choices):
        here = kinds == group
        codes[here] = rng.choice(choice, int(here.sum()))
    return gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs=3035)


def _cells(side: int, rng: np.random.Generator) -> NDArray[np.object_]:
    """A grid of side x side cells with bent edges, row by row."""
    y, x = np.meshgrid(np.arange(side + 1), np.arange(side + 1), indexing="ij")
    nodes = np.stack([WEST + CELL_M * x, SOUTH + CELL_M * y], axis=-1)
    nodes += rng.uniform(-JITTER_M, JITTER_M, nodes.shape)
    across = _edges(nodes[:, :-1], nodes[:, 1:], rng)  # (side + 1, side, EDGE_POINTS, 2)
    upward = _edges(nodes[:-1], nodes[1:], rng)  # (side, side + 1, EDGE_POINTS, 2)
    end_across, end_upward = nodes[:, 1:, None], nodes[1:, :, None]
    back_across = np.concatenate([across, end_across], axis=2)[:, :, :0:-1]
    back_upward = np.concatenate([upward, end_upward], axis=2)[:, :, :0:-1]
    rings = np.concatenate(
        [across[:-1], upward[:, 1:], back_across[1:], back_upward[:, :-1]], axis=2
    )
    rings = np.round(rings.reshape(side * side, -1, 2), 3)
    return np.asarray(shapely.polygons(rings), dtype=object)


def _edges(start: Floats, end: Floats, rng: np.random.Generator) -> Floats:
    """Bent lines from start to just before end, shape (…, EDGE_POINTS, 2)."""
    t = np.arange(EDGE_POINTS) / EDGE_POINTS
    along = (end - start)[..., None, :]
    normal = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    normal /= np.hypot(*np.moveaxis(normal, -1, 0))[..., None]
    bend = rng.uniform(-WIGGLE_M, WIGGLE_M, (*start.shape[:-1], EDGE_POINTS)) * np.sin(np.pi * t)
    return np.asarray(start[..., None, :] + t[:, None] * along + bend[..., None] * normal)


def _merged(row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the merged polygon that a cell belongs to, -1 for a cell of its own."""
    side = int(row.max()) + 1
    found = np.full(len(row), -1, dtype=np.int64)
    strip = (row % 40 == 20) & (column % 40 < 30)
    keys = (row // 40) * side + column // 40
    clearing = (row % 3 == 1) & (column % 3 == 1)
    block = (row % 40 < 18) & (column % 40 < 18) & (row // 40 % 3 == 0) & (column // 40 % 3 == 0)
    for number, where in enumerate((strip, block & ~clearing)):
        found[where] = 2 * keys[where] + number
    _, found[found >= 0] = np.unique(found[found >= 0], return_inverse=True)
    return found


def delivery() -> Delivery:
    """An invented delivery of the year 2021."""
    return Delivery(
        unit=DeliveryUnit("du0014", "blacksea"),
        version="v01",
        revision="r01",
        date="20261122",
        project="check",
        legend=load_legend("pa"),
        schema=load_schema("pa"),
        years=(2021,),
    )


def write_delivery(folder: Path, count: int) -> dict[str, object]:
    """Write a delivery and its boundary; say where they are and how large they are."""
    view = coverage(count)
    layer = status_layer(view, 2021, delivery())
    files = write_layer(layer, folder, delivery(), "status", 2021)
    limits = write_boundary(
        shapely.coverage_union_all(view.geometry.to_numpy()), delivery().unit, folder
    )
    return {
        "zip": str(files.zip),
        "boundary": str(limits),
        "polygons": len(view),
        "vertices": int(shapely.get_num_coordinates(view.geometry.to_numpy()).sum()),
        "megabytes": round(files.zip.stat().st_size / 1e6, 1),
    }
