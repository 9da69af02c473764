"""The table of samples: its schema, its file, its summary."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.files import existing
from bocage.grid import CRS
from bocage.legend import Legend
from bocage.samples._rules import SamplingRules
from bocage.tables import write_geoparquet

COLUMNS: dict[str, str] = {
    "sample_id": "str",
    "cube": "str",
    "code": "int32",
    "allowed": "str",
    "weight": "float32",
    "source": "str",
    "reliability": "int8",
    "region": "str",
    "fold": "int8",
    "block": "str",
    "year": "int16",
}
"""Columns of a samples table, besides the geometry, and their types; ``year`` is the status year
that the label is about, 0: it holds for every year."""


def samples_frame(
    columns: dict[str, object], x: NDArray[np.floating], y: NDArray[np.floating]
) -> gpd.GeoDataFrame:
    """A samples table from its columns and coordinates, with the types of the schema."""
    frame = pd.DataFrame(columns, columns=list(COLUMNS)).astype(COLUMNS)
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(x, y), crs=CRS)


def empty_samples() -> gpd.GeoDataFrame:
    """A samples table without a row."""
    return samples_frame({name: [] for name in COLUMNS}, np.empty(0), np.empty(0))


def collect(
    frames: Iterable[gpd.GeoDataFrame], rules: SamplingRules | None = None, *, seed: int = 0
) -> gpd.GeoDataFrame:
    """Put the samples of many blocks together, whole cubes at most `max_per_class` of a class.

    Parameters
    ----------
    frames
        Samples tables of blocks, in any order.
    rules
        Rules whose `max_per_class` is applied; none by default.
    seed
        Decides which cubes of a class that has too many are kept.

    Returns
    -------
    geopandas.GeoDataFrame
        Samples in the order of `sample_id`.

    Raises
    ------
    InputError
        If a sample occurs twice.
    """
    parts = [frame for frame in frames if len(frame)]
    if not parts:
        return empty_samples()
    joined = pd.concat([check_samples(p) for p in parts], ignore_index=True)
    if joined["sample_id"].duplicated().any():
        twice = joined.loc[joined["sample_id"].duplicated(), "sample_id"].iloc[0]
        raise InputError(f"sample {twice} occurs twice", remedy="give each block once")
    joined = joined.sort_values("sample_id", ignore_index=True)
    if rules is None or rules.max_per_class is None:
        return joined
    cubes = joined.drop_duplicates("cube")[["cube", "allowed"]]
    order = [hashlib.sha256(f"{seed}:{cube}".encode()).hexdigest() for cube in cubes["cube"]]
    ranked = cubes.assign(order=order).sort_values("order")
    kept = ranked[ranked.groupby("allowed").cumcount() < rules.max_per_class]
    return joined[joined["cube"].isin(kept["cube"])].reset_index(drop=True)


def check_samples(frame: gpd.GeoDataFrame, where: str = "samples") -> gpd.GeoDataFrame:
    """Return a samples table with the types of the schema, or raise when it is none."""
    if missing := [name for name in COLUMNS if name not in frame]:
        raise InputError(
            f"{where}: missing column {', '.join(missing)}",
            remedy=f"a samples table has {', '.join(COLUMNS)} and points",
        )
    if frame.crs is None or frame.crs.to_epsg() != 3035:
        raise InputError(f"{where}: points are not in {CRS}", remedy=f"reproject them to {CRS}")
    if not (frame.geometry.geom_type == "Point").all():
        raise InputError(f"{where}: a geometry is no point", remedy="samples are points")
    return frame[[*COLUMNS, frame.geometry.name]].astype(COLUMNS)


def of_year(samples: gpd.GeoDataFrame, year: int) -> gpd.GeoDataFrame:
    """The samples whose label holds in a status year."""
    return samples[samples["year"].isin((0, year))].reset_index(drop=True)


def write_samples(samples: gpd.GeoDataFrame, path: Path | str) -> Path:
    """Write samples as GeoParquet; the same samples give the same bytes.

    Parameters
    ----------
    samples
        A samples table; written in the order of ``sample_id``.
    path
        The file; it appears whole or not at all.
    """
    frame = check_samples(samples).sort_values("sample_id", ignore_index=True)
    return write_geoparquet(frame, path)


def read_samples(path: Path | str) -> gpd.GeoDataFrame:
    """Read a samples table.

    Raises
    ------
    InputError
        If the file is missing, is no GeoParquet, or lacks a column of the schema.
    """
    path = existing(path, "samples")
    try:
        frame = gpd.read_parquet(path)
    except (pa.ArrowInvalid, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as GeoParquet: {error}", remedy="draw the samples again"
        ) from error
    return check_samples(frame, str(path))


def summary(samples: gpd.GeoDataFrame, legend: Legend) -> pd.DataFrame:
    """Count samples per leaf, classes without one included.

    Parameters
    ----------
    samples
        A samples table.
    legend
        The legend of its codes.

    Returns
    -------
    pandas.DataFrame
        One row a leaf in the order of the legend: ``code``, ``name``, ``cubes``, ``points``,
        ``weight`` (sum over the points), ``folds`` (number of folds that hold the class) and
        ``shared_points``, points whose label allows this class among others.
    """
    sure = samples[samples["code"] > 0]
    grouped = sure.groupby("code")
    shared: dict[int, int] = {}
    for allowed, count in samples.loc[samples["code"] == 0, "allowed"].value_counts().items():
        for code in str(allowed).split(";"):
            shared[int(code)] = shared.get(int(code), 0) + int(count)
    codes = list(legend.codes())
    table = pd.DataFrame({"code": codes, "name": [legend.name(c) for c in codes]})
    for column, series in (
        ("cubes", grouped["cube"].nunique()),
        ("points", grouped.size()),
        ("weight", grouped["weight"].sum()),
        ("folds", grouped["fold"].nunique()),
        ("shared_points", pd.Series(shared, dtype="int64")),
    ):
        table[column] = series.reindex(codes, fill_value=0).to_numpy()
    return table
