"""The space–time coverage and its views."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.files import existing
from bocage.generalize._edges import dissolve, tidy
from bocage.tables import write_geoparquet

FROZEN = "frozen"
"""Column that says which polygons were kept as they were given."""


@dataclass(frozen=True)
class Coverage:
    """One gapless partition of an area whose polygons carry a class per year.

    The status of a year and the change between two years are views of it: they share every
    vertex of their common borders, and agree in every point.

    Attributes
    ----------
    frame
        Columns ``code_<year>`` (leaf code, 0 is nodata; int32) and ``geometry`` (single-part
        polygons on a 1 mm grid; no two edge neighbours have equal codes in all years). Where
        polygons were frozen, the column ``frozen`` (bool) says which; these may have the codes
        of a neighbour, and stay apart from it in all views, which have the column too.
    years
        One or two years, in order.
    """

    frame: gpd.GeoDataFrame
    years: tuple[int, ...]

    def __post_init__(self) -> None:
        wanted = {self.column(year) for year in self.years}
        if not self.years or wanted - set(self.frame.columns):
            raise InputError(
                f"a coverage of {list(self.years)} needs the columns {', '.join(sorted(wanted))}",
                remedy="read it with Coverage.load, or make it with generalize",
            )

    @staticmethod
    def column(year: int) -> str:
        """Name of the column with the codes of a year."""
        return f"code_{year}"

    def status(self, year: int) -> gpd.GeoDataFrame:
        """The map of one year.

        Returns
        -------
        geopandas.GeoDataFrame
            Columns ``code`` (int32) and ``geometry``: polygons with equal codes dissolved,
            single parts, in a fixed order.

        Raises
        ------
        InputError
            If the coverage does not have the year.
        """
        if year not in self.years:
            raise InputError(
                f"the coverage has no year {year}",
                remedy=f"it has {', '.join(map(str, self.years))}",
            )
        view = self._view([self.column(year)], np.ones(len(self.frame), bool))
        return view.rename(columns={self.column(year): "code"})

    def change(self) -> gpd.GeoDataFrame:
        """The regions whose codes differ between the two years.

        A region that is nodata in one of the years differs too.

        Returns
        -------
        geopandas.GeoDataFrame
            Columns ``code_<first year>``, ``code_<second year>`` and ``geometry``, single parts.

        Raises
        ------
        InputError
            If the coverage has one year only.
        """
        if len(self.years) != 2:
            raise InputError("a coverage of one year has no change view")
        columns = [self.column(year) for year in self.years]
        codes = self.frame[columns].to_numpy()
        return self._view(columns, codes[:, 0] != codes[:, 1])

    def _view(self, columns: list[str], belongs: NDArray[np.bool_]) -> gpd.GeoDataFrame:
        """Polygons with equal codes in some columns dissolved, but for frozen ones."""
        part = self.frame[belongs]
        shapes = part.geometry.to_numpy()
        example = np.arange(len(part))
        if len(columns) < len(self.years) or len(columns) == 2:
            shapes, example = dissolve(shapes, self.keys(columns)[belongs])
            shapes, order = tidy(shapes)
            example = example[order]
        found = {name: part[name].to_numpy()[example] for name in columns}
        if FROZEN in part:
            found[FROZEN] = part[FROZEN].to_numpy()[example]
        return gpd.GeoDataFrame(found, geometry=shapes, crs=self.frame.crs)

    def keys(self, columns: list[str]) -> NDArray[np.int64]:
        """What polygons that are one in a view have in common, shape (n, k)."""
        keys: NDArray[np.int64] = self.frame[columns].to_numpy().astype(np.int64)
        if FROZEN not in self.frame:
            return keys
        own = np.where(self.frame[FROZEN], np.arange(len(self.frame)), -1)
        return np.column_stack([keys, own])

    def save(self, path: Path | str) -> Path:
        """Write the coverage as GeoParquet: equal coverages give equal bytes."""
        return write_geoparquet(self.frame, path)

    @classmethod
    def load(cls, path: Path | str) -> Coverage:
        """Read a coverage that `save` wrote.

        Raises
        ------
        InputError
            If the file is missing or is no coverage.
        """
        path = existing(path, "coverage")
        try:
            frame = gpd.read_parquet(path)
        except (ValueError, pa.ArrowException) as error:
            raise InputError(f"{path} is no coverage: {error}") from error
        years = [c.removeprefix("code_") for c in frame.columns if c.startswith("code_")]
        if not years or not all(y.isdigit() for y in years):
            raise InputError(f"{path} has no columns code_<year>", remedy="write it with save")
        return cls(frame, tuple(int(y) for y in years))

    @property
    def area_ha(self) -> float:
        """Area of all polygons, hectares."""
        return float(np.sum(shapely.area(self.frame.geometry.to_numpy()))) / 10_000.0
