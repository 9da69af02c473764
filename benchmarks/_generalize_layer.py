"""A polygon layer and the landscape that it maps, as the measures of the benchmark need them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyogrio
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from bocage.legend import Legend

Bools = NDArray[np.bool_]
Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]
Ints = NDArray[np.int64]

HECTARE = 10_000.0
MMU_HA = 0.5
TOUCH = 1e-6
"""Distance at which a segment lies on the limit of the area, m."""
CONTACT = 1e-3
"""Length that two polygons must share to be neighbours, m."""


@dataclass(frozen=True)
class Landscape:
    """What is on the ground and what a classifier saw.

    Attributes
    ----------
    truth, raw
        Leaf codes, shape (y, x), 0 outside.
    transform
        Pixel corner to map coordinates.
    legend
        Its nomenclature.
    """

    truth: Codes
    raw: Codes
    transform: Affine
    legend: Legend

    @classmethod
    def read(cls, folder: Path, legend: Legend) -> Landscape:
        """The landscape of ``truth.tif`` and ``raw.tif``."""
        bands = []
        for name in ("truth", "raw"):
            with rasterio.open(folder / f"{name}.tif") as source:
                bands.append(source.read(1).astype(np.int32))
                transform = source.transform
        return cls(bands[0], bands[1], transform, legend)

    @property
    def pixel(self) -> float:
        """Pixel size, m."""
        return float(self.transform.a)

    @cached_property
    def inside(self) -> Bools:
        """Pixels of the area, shape (y, x)."""
        return np.not_equal(self.raw, 0)

    @cached_property
    def area(self) -> BaseGeometry:
        """The area, along the pixels."""
        found = shapes(self.inside.astype(np.uint8), self.inside, 4, self.transform)
        geometry: BaseGeometry = shapely.union_all([_shape(s) for s, _ in found])
        return geometry

    @cached_property
    def limit(self) -> Geometries:
        """The limit of the area as single segments."""
        return _lines(*_segments(np.array([self.area], dtype=object))[:2])

    @cached_property
    def linear(self) -> Bools:
        """True pixels of linear classes, shape (y, x)."""
        return np.isin(self.truth, self.legend.flagged("linear"))

    @cached_property
    def mappable(self) -> Bools:
        """Pixels of true patches that are no line and reach the mapping unit, shape (y, x)."""
        least = MMU_HA * HECTARE / self.pixel**2
        found = np.zeros(self.truth.shape, bool)
        for code, box in enumerate(ndimage.find_objects(self.truth), start=1):
            if box is None or code in self.legend.flagged("linear"):
                continue
            patches, _ = ndimage.label(self.truth[box] == code)
            large = np.bincount(patches.ravel()) >= least
            large[0] = False
            found[box] |= large[patches]
        return found


@dataclass(frozen=True)
class Layer:
    """Single polygons with their classes.

    Attributes
    ----------
    polygons, codes
        Shape (n,).
    multipart
        Number of features that were not one part.
    landscape
        What they map.
    """

    polygons: Geometries
    codes: Codes
    multipart: int
    landscape: Landscape

    @classmethod
    def read(cls, path: Path, landscape: Landscape) -> Layer:
        """The polygons of the first layer of a file, multiparts taken apart."""
        _, _, geometry, columns = pyogrio.raw.read(path, columns=["code"])
        features = shapely.from_wkb(geometry)
        multipart = int(np.count_nonzero(shapely.get_num_geometries(features) > 1))
        parts, of = shapely.get_parts(features, return_index=True)
        return cls(parts, columns[0].astype(np.int32)[of], multipart, landscape)

    @cached_property
    def repaired(self) -> Geometries:
        """The polygons, the invalid ones made valid."""
        polygons = self.polygons.copy()
        wrong = ~shapely.is_valid(polygons)
        polygons[wrong] = shapely.make_valid(polygons[wrong])
        return polygons

    @cached_property
    def invalid(self) -> int:
        """Number of invalid polygons."""
        return int(np.count_nonzero(~shapely.is_valid(self.polygons)))

    @cached_property
    def is_coverage(self) -> bool:
        """Whether neighbours fit to each other vertex by vertex, without overlaps."""
        return self.invalid == 0 and bool(shapely.coverage_is_valid(self.polygons))

    @cached_property
    def segments(self) -> Segments:
        """The segments of all rings; a border between two polygons occurs twice."""
        start, end, ring, owner = _segments(self.polygons)
        return Segments(start, end, ring, owner, _on(self.landscape.limit, start, end))

    @cached_property
    def rim(self) -> Floats:
        """Length of each polygon on the limit of the area, shape (n,), m."""
        s = self.segments
        count = len(self.polygons)
        return np.bincount(s.owner[s.rim], s.length[s.rim], count).astype(np.float64)


@dataclass(frozen=True)
class Segments:
    """Straight pieces of rings, in their order.

    Attributes
    ----------
    start, end
        Coordinates, shape (n, 2).
    ring, owner
        Numbers of the ring and the polygon, shape (n,).
    rim
        Whether it lies on the limit of the area, shape (n,).
    """

    start: Floats
    end: Floats
    ring: Ints
    owner: Ints
    rim: Bools

    @cached_property
    def length(self) -> Floats:
        """Shape (n,), m."""
        length: Floats = np.hypot(*(self.end - self.start).T)
        return length

    def shared(self) -> Ints:
        """Pairs of polygons, shape (m, 2), with common segments longer than `CONTACT` in all."""
        swap = (self.start[:, 0] > self.end[:, 0]) | (
            (self.start[:, 0] == self.end[:, 0]) & (self.start[:, 1] > self.end[:, 1])
        )
        low = np.where(swap[:, None], self.end, self.start)
        high = np.where(swap[:, None], self.start, self.end)
        ends = np.hstack([low, high])
        order = np.lexsort(ends.T)
        twin = np.flatnonzero((ends[order[1:]] == ends[order[:-1]]).all(axis=1))
        one, other = order[twin], order[twin + 1]
        owners = np.sort(np.column_stack([self.owner[one], self.owner[other]]), axis=1)
        apart = owners[:, 0] != owners[:, 1]
        pairs, which = np.unique(owners[apart], axis=0, return_inverse=True)
        common = np.bincount(which.reshape(-1), self.length[one][apart], minlength=len(pairs))
        return pairs[common > CONTACT]


def _shape(found: dict[str, list[list[tuple[float, float]]]]) -> shapely.Polygon:
    shell, *holes = found["coordinates"]
    return shapely.Polygon(shell, holes)


def _segments(polygons: Geometries) -> tuple[Floats, Floats, Ints, Ints]:
    rings, of_ring = shapely.get_rings(polygons, return_index=True)
    points, of_point = shapely.get_coordinates(rings, return_index=True)
    joined = of_point[1:] == of_point[:-1]
    ring = of_point[:-1][joined]
    return points[:-1][joined], points[1:][joined], ring, of_ring[ring]


def _lines(start: Floats, end: Floats) -> Geometries:
    return np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object)


def _on(limit: Geometries, start: Floats, end: Floats) -> Bools:
    """Whether segments lie on the limit: their middle and both ends do."""
    tree = shapely.STRtree(limit)
    on = np.ones(len(start), bool)
    for points in ((start + end) / 2, start, end):
        here = np.flatnonzero(on)
        near = tree.query(shapely.points(points[here]), predicate="dwithin", distance=TOUCH)[0]
        on[:] = False
        on[here[near]] = True
    return on
