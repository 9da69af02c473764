"""Every pixel of two layers as pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize

from bocage.accuracy._layers import ClassRaster, Layer, Vector
from bocage.accuracy._result import Pairs
from bocage.accuracy._values import distinct, to_level
from bocage.errors import InputError
from bocage.grid import CRS, FINE, geobox
from bocage.legend import Legend

CLUSTER_M = 500.0
"""Side of the squares that count as one unit where a whole layer is the reference."""


def by_pixels(
    mapped: Layer,
    truth: Layer,
    legend: Legend,
    level: int | None,
    regions: Mapping[str, gpd.GeoDataFrame],
) -> Pairs:
    """Counts of map and reference codes per square."""
    level = legend.levels if level is None else level
    box = grid_of_map(mapped, truth)
    pair = [on_grid(layer, box) for layer in (mapped, truth)]
    both = (pair[0] >= 0) & (pair[1] > 0)
    raw = [codes[both] for codes in pair]
    # Codes stay as they are: one that stands at several levels would be read anew at each of them.
    for found, what in zip(raw, ("map", "reference"), strict=True):
        to_level(found, legend, level, what)
    side = max(1, round(CLUSTER_M / abs(box.resolution.x)))
    row, column = np.nonzero(both)
    square = row // side * (box.shape.x // side + 1) + column // side
    # One number per triple: a table of rows would be sorted far slower.
    (of_map, first), (of_truth, second) = (distinct(codes) for codes in raw)
    shape = [int(square.max(initial=0)) + 1, len(of_map), len(of_truth)]
    axes = [square, first, second]
    for frame in regions.values():
        shape.append(len(frame) + 1)
        axes.append(burn(frame, np.arange(1, len(frame) + 1), box, 0)[both])
    key, counts = np.unique(np.ravel_multi_index(axes, shape), return_counts=True)
    square, first, second, *places = np.unravel_index(key, shape)
    names = {k: np.array(["", *f["region"]], dtype=object) for k, f in regions.items()}
    pixel_ha = abs(box.affine.a * box.affine.e) / 10_000
    return Pairs(
        mapped=of_map[first].astype(np.int64),
        reference=of_truth[second].astype(np.int64),
        weight=counts.astype(np.float64) * float(pixel_ha),
        cluster=square,
        count=counts,
        hectares=True,
        groups={k: names[k][place] for k, place in zip(regions, places, strict=True)},
        notes=(f"all pixels compared; squares of {CLUSTER_M:g} m are the units of the intervals",),
    )


def grid_of_map(mapped: Layer, truth: Layer) -> GeoBox:
    """The map's own pixels, else those of the reference, else EPSG:3035 at 2.5 m where both are."""
    for layer in (mapped, truth):
        if isinstance(layer, ClassRaster):
            if layer.pixel_ha <= 0:
                raise InputError(f"{layer.path} has no pixel size", remedy="write it again")
            return layer.box
    frames = [layer.frame for layer in (mapped, truth) if isinstance(layer, Vector)]
    return geobox(shared_bounds(frames, CRS), FINE)


def shared_bounds(
    layers: Sequence[gpd.GeoDataFrame | gpd.GeoSeries], crs: str
) -> tuple[float, float, float, float]:
    """West, south, east, north of the rectangle that layers have in common."""
    shared = shapely.intersection_all([shapely.box(*f.to_crs(crs).total_bounds) for f in layers])
    if shared.is_empty or shared.area == 0:
        raise InputError(
            "the two maps do not overlap",
            remedy="check their coordinate reference systems and extents",
        )
    west, south, east, north = shared.bounds
    return west, south, east, north


def on_grid(layer: Layer, box: GeoBox) -> NDArray[np.int32]:
    if isinstance(layer, Vector):
        return burn(layer.frame, layer.frame["code"].to_numpy(), box, -1)
    if layer.box == box:
        return np.asarray(layer.codes.values)
    moved = layer.codes.odc.reproject(box, resampling="nearest", dst_nodata=-1)
    return np.asarray(moved.values)


def burn(
    frame: gpd.GeoDataFrame, values: NDArray[np.integer], box: GeoBox, fill: int
) -> NDArray[np.int32]:
    """Values of polygons on a pixel grid, int32 (y, x); `fill` outside them."""
    shapes = zip(frame.geometry.to_crs(str(box.crs)), values.astype("int32"), strict=True)
    transform, shape = Affine(*box.affine[:6]), (box.shape.y, box.shape.x)
    if frame.empty:
        return np.full(shape, fill, dtype=np.int32)
    filled = rasterize(shapes, shape, transform=transform, fill=fill, dtype="int32")
    return np.asarray(filled, dtype=np.int32)
