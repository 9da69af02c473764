"""How true a polygon layer is to the ground and to its raster, and how its borders look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.features import rasterize
from scipy import ndimage

from benchmarks._generalize_layer import Bools, Codes, Floats, Geometries, Landscape, Layer

SHARP = 60.0
"""Turn of a border that the eye sees as a corner, degrees."""
PROBES = 60_000
"""Points of the borders at which their distance from the raster is taken."""
MARGIN = 50.0
"""Distance from the limit of the area within which it is not taken, m."""
AROUND = np.ones((3, 3), bool)


def agreement(layer: Layer) -> dict[str, float | None]:
    """Shares of pixels that are right: all, in patches worth mapping, and of lines.

    A pixel of a line counts as found, or as right, when there is one within a pixel of it.
    """
    land = layer.landscape
    mapped = rasterize(
        zip(layer.repaired, layer.codes, strict=True),
        out_shape=land.truth.shape,
        transform=land.transform,
        dtype="int32",
    )
    right = mapped == land.truth
    lines = np.isin(mapped, land.legend.flagged("linear"))
    return {
        "overall": _share(right, land.inside),
        "mappable": _share(right, land.mappable),
        "linear_recall": _share(ndimage.binary_dilation(lines, AROUND), land.linear),
        "linear_precision": _share(ndimage.binary_dilation(land.linear, AROUND), lines),
    }


def raw_agreement(land: Landscape) -> dict[str, float | None]:
    """The same of the raster that came in, without the lines."""
    right = land.raw == land.truth
    return {"overall": _share(right, land.inside), "mappable": _share(right, land.mappable)}


def _share(right: Bools, of: Bools) -> float | None:
    return float(right[of].mean()) if of.any() else None


def shape(layer: Layer) -> dict[str, float]:
    """Corners and vertices per km and the share of borders that keep to rows and columns.

    Each border counts from both sides. The limit of the area counts for the corners alone.
    """
    s = layer.segments
    step = s.end - s.start
    heading = np.degrees(np.arctan2(step[:, 1], step[:, 0]))
    turn = np.abs((np.diff(heading) + 180) % 360 - 180)
    # The first vertex of a ring, where it closes, is not judged.
    sharp = (turn > SHARP) & (s.ring[1:] == s.ring[:-1])
    along = (np.abs(step) < 1e-6).any(axis=1)
    inner = ~s.rim
    length = s.length[inner].sum()
    return {
        "turns_km": float(np.count_nonzero(sharp) / s.length.sum() * 1e3),
        "vertices_km": float(np.count_nonzero(inner) / length * 1e3),
        "axis_parallel": float(s.length[inner & along].sum() / length),
    }


def displacement(layer: Layer, raster: Path) -> dict[str, float]:
    """Distance of the borders from those of the raster that they were made from, m."""
    if not raster.exists():
        return {}
    with rasterio.open(raster) as source:
        lines = _cracks(source.read(1).astype(np.int32), source.transform)
    points = np.asarray(shapely.points(_along(layer)), dtype=object)
    near = shapely.STRtree(layer.landscape.limit).query(
        points, predicate="dwithin", distance=MARGIN
    )
    points = np.delete(points, near[0])
    _, distance = shapely.STRtree(lines).query_nearest(
        points, return_distance=True, all_matches=False
    )
    return {
        "moved_p95_m": float(np.percentile(distance, 95)),
        "moved_max_m": float(distance.max()),
    }


def _along(layer: Layer) -> Floats:
    """Points at equal distances along all borders but the limit, shape (n, 2)."""
    s = layer.segments
    inner = np.flatnonzero(~s.rim)
    ends = np.cumsum(s.length[inner])
    at = (np.arange(PROBES) + 0.5) * ends[-1] / PROBES
    which = np.searchsorted(ends, at)
    chosen = inner[which]
    share = 1 - (ends[which] - at) / s.length[chosen]
    points: Floats = s.start[chosen] + share[:, None] * (s.end[chosen] - s.start[chosen])
    return points


def _cracks(codes: Codes, transform: Affine) -> Geometries:
    """Sides of pixels at which the class changes, as lines."""
    rows, columns = np.nonzero(codes[:, 1:] != codes[:, :-1])
    upright = _lines(transform, columns + 1, rows, columns + 1, rows + 1)
    rows, columns = np.nonzero(codes[1:] != codes[:-1])
    level = _lines(transform, columns, rows + 1, columns + 1, rows + 1)
    return np.concatenate([upright, level])


def _lines(transform: Affine, *ends: Any) -> Geometries:
    x0, y0, x1, y1 = ends
    pairs = np.stack([transform @ (x0, y0), transform @ (x1, y1)])
    return np.asarray(shapely.linestrings(pairs.transpose(2, 0, 1)), dtype=object)
