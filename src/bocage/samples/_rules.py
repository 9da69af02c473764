"""What is sampled, and by which rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bocage.errors import ConfigError, InputError
from bocage.legend import Crosswalk, Legend

MAX_RELIABILITY = 3


@dataclass(frozen=True)
class Source:
    """A reference layer that labels are taken from.

    Attributes
    ----------
    path
        Polygons (any vector format) or a categorical raster, in any CRS.
    crosswalk
        Which leaves of the legend may stand behind each value of the layer.
    reliability
        1 (weak), 2 or 3 (checked by people). The more reliable source leads where sources meet.
    field
        Attribute that holds the class of a polygon; None for a raster.
    name
        Name in the ``source`` column of the samples; the file's stem by default.
    layer
        Layer of a vector file; the first by default.
    nodata
        A value that means "no label", besides the file's own nodata value.
    """

    path: Path
    crosswalk: Crosswalk
    reliability: int = 2
    field: str | None = None
    name: str = ""
    layer: str | None = None
    nodata: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if not self.name:
            object.__setattr__(self, "name", self.path.stem)
        if self.reliability not in range(1, MAX_RELIABILITY + 1):
            raise ConfigError(
                f"samples.sources: reliability {self.reliability} of {self.path}",
                remedy="give 1 (weak), 2 or 3 (checked by people)",
            )


@dataclass(frozen=True)
class SamplingRules:
    """The drawing scheme, with the figures of the production of PA 2021 as defaults.

    Attributes
    ----------
    cell_m
        Side of the sampling cells, metres.
    cubes_per_cell
        At most this many cubes **of a class** (of a set of allowed classes) in a cell.
    enrich
        Most cubes in a cell of some leaf codes instead (see `enriched`). A set of several leaves
        has the least number of its leaves, if all of them have one.
    cube_m
        Side of a cube, metres.
    centroid_border_m, random_border_m
        Least distance to a class border of a cube at the deepest point of a patch, and of
        a cube at a random place, metres, measured from the centre of the cube.
    spacing_m
        Least gap between two cubes, metres. It also holds across cells and blocks, because a
        cube keeps half of it from the edge of its cell.
    points_per_side, point_offset_m
        Points along the side of a cube and the distance between them, metres.
    ring_m
        No cube lies within this distance of a class border, metres, whatever the distances above.
    protected
        Leaf codes, narrow by nature, that are exempt from the ring and the border distances:
        their cubes need only lie inside the patch with all their points.
    fold_m, folds
        Side of the cells that share a fold, metres, and the number of folds.
    max_per_class
        At most this many cubes of a class over all blocks; `collect` applies it.

    References
    ----------
    Protected Areas 2021/2024, Algorithm Theoretical Basis Document, version 1 (EEA, 2026).
    """

    cell_m: int = 500
    cubes_per_cell: int = 5
    cube_m: float = 8.0
    centroid_border_m: float = 12.0
    random_border_m: float = 15.0
    spacing_m: float = 15.0
    points_per_side: int = 3
    point_offset_m: float = 2.6
    ring_m: float = 5.0
    protected: tuple[int, ...] = ()
    fold_m: int = 1000
    folds: int = 5
    max_per_class: int | None = None
    enrich: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("cell_m", "fold_m"):
            side = getattr(self, name)
            if side != int(side):
                raise ConfigError(f"samples: {name} is {side}", remedy="give whole metres")
            object.__setattr__(self, name, int(side))
        numbers = (
            self.cell_m,
            self.cubes_per_cell,
            self.cube_m,
            self.points_per_side,
            self.point_offset_m,
            self.fold_m,
            self.folds,
        )
        distances = (self.centroid_border_m, self.random_border_m, self.spacing_m, self.ring_m)
        if min(numbers) <= 0 or min(distances) < 0:
            raise ConfigError(
                "samples: a size, count or distance of the sampling rules is negative or zero",
                remedy="sizes and counts are above 0, distances at least 0",
            )
        if self.fold_m % self.cell_m:
            raise ConfigError(
                f"samples: folds of {self.fold_m} m cut cells of {self.cell_m} m",
                remedy="make fold_m a multiple of cell_m, so that a cell lies in one fold",
            )
        if (self.points_per_side - 1) * self.point_offset_m > self.cube_m:
            raise ConfigError(
                f"samples: {self.points_per_side} points at {self.point_offset_m} m are wider "
                f"than a cube of {self.cube_m} m",
                remedy="enlarge cube_m or bring the points closer",
            )
        if too_few := [code for code, most in self.enrich.items() if most < 1]:
            raise ConfigError(
                f"samples: enrich gives class {too_few[0]} no cube",
                remedy="give 1 cube or more; to draw none, give its source class the code 0 in a "
                "crosswalk",
            )
        if self.max_per_class is not None and self.max_per_class <= 0:
            raise ConfigError(
                f"samples: max_per_class is {self.max_per_class}",
                remedy="leave it out for no limit",
            )

    def cubes_of(self, allowed: tuple[int, ...]) -> int:
        """Most cubes in a cell whose label is this set of leaf codes."""
        numbers = [self.enrich[code] for code in allowed if code in self.enrich]
        return min(numbers) if len(numbers) == len(allowed) else self.cubes_per_cell


def enriched(enrich: Mapping[int, int], legend: Legend) -> dict[int, int]:
    """Most cubes in a cell by leaf code, from codes of any level.

    A leaf has the number of the deepest code that holds it.

    Raises
    ------
    ConfigError
        If the legend lacks a code.
    """
    try:
        under = {code: legend.leaves(code) for code in enrich}
    except InputError as error:
        raise ConfigError(f"samples.enrich: {error.message}", remedy=error.remedy) from error
    found: dict[int, int] = {}
    for code in sorted(under, key=lambda code: -len(under[code])):
        found.update(dict.fromkeys(under[code], enrich[code]))
    return found
