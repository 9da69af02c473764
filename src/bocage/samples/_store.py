"""The label store: places that a person is asked about, and what was answered.

A GeoPackage of points, which any GIS can edit. A row is a place, the class that stands there
(``code``, of any level of the legend; empty until somebody answers) and what is known of the
question. Rows that people add by themselves count as well.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.files import atomic_path, existing
from bocage.grid import CRS, FINE, Block
from bocage.legend import Legend
from bocage.samples._cubes import cube_names, cube_offsets, fold_of
from bocage.samples._rules import MAX_RELIABILITY, SamplingRules
from bocage.samples._store_form import form
from bocage.samples._table import samples_frame
from bocage.tables import GEOPACKAGE, add_styles

LAYER = "labels"
"""Layer of the GeoPackage."""

QUESTION = {
    "round": "Int32",
    "year": "Int32",
    "why": "str",
    "score": "float64",
    "guess": "Int32",
    "chance": "float64",
}
"""What is known of a question: its round, the status year it is about (empty: every year), what
the place was chosen by and how much, and the class of the map there with its probability."""

ANSWER = {"code": "Int32", "person": "str", "minutes": "float64", "note": "str"}
"""What a person fills in: the class, and if they like their name, the time it took, a remark."""


def empty_labels() -> gpd.GeoDataFrame:
    """A label store without a row."""
    frame = pd.DataFrame({name: pd.Series(dtype=t) for name, t in {**QUESTION, **ANSWER}.items()})
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy([], []), crs=CRS)


def read_labels(path: Path | str, legend: Legend) -> gpd.GeoDataFrame:
    """Read a label store.

    Parameters
    ----------
    path
        GeoPackage with the layer ``labels`` of points that has the columns ``year`` and ``code``.
    legend
        Legend of the codes.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns `QUESTION` and `ANSWER`, empty where the file lacks one; EPSG:3035.

    Raises
    ------
    InputError
        If the file cannot be read, a code is none of the legend, or a place has two different
        answers for a year.
    """
    path = existing(path, "samples.labels")
    try:
        frame = pyogrio.read_dataframe(path, layer=LAYER)
    except (DataSourceError, DataLayerError) as error:
        raise InputError(
            f"samples.labels: {path} has no layer '{LAYER}' that can be read: {error}",
            remedy="let 'bocage ask' make it",
        ) from error
    if missing := {"year", "code"} - set(frame):
        raise InputError(
            f"samples.labels: {path} has no column {', '.join(sorted(missing))}",
            remedy="keep the columns that 'bocage ask' has made",
        )
    frame = frame[~frame.geometry.isna() & ~frame.geometry.is_empty]
    if frame.crs is None or not (frame.geometry.geom_type == "Point").all():
        raise InputError(
            f"samples.labels: {path} does not hold points in a known CRS",
            remedy="give a place as a point",
        )
    frame = frame.to_crs(CRS).reset_index(drop=True)
    found = frame[["geometry"]].copy()
    for name, kind in {**QUESTION, **ANSWER}.items():
        found[name] = frame[name].astype(kind) if name in frame else pd.Series(dtype=kind)
    found.loc[found["code"] == 0, "code"] = pd.NA
    _check(found, legend, path)
    return found


def _check(labels: gpd.GeoDataFrame, legend: Legend, path: Path) -> None:
    for code in labels["code"].dropna().unique():
        try:
            legend.leaves(int(code))
        except InputError as error:
            raise InputError(f"samples.labels: {path}: {error}") from error
    said = answered(labels)
    pixel = np.floor(_xy(said) / FINE).astype(np.int64)
    place = pd.DataFrame({"x": pixel[:, 0], "y": pixel[:, 1], "year": said["year"].fillna(0)})
    twice = said.groupby([place[c].to_numpy() for c in place])["code"].nunique() > 1
    if twice.any():
        column, row, _ = twice[twice].index[0]
        raise InputError(
            f"samples.labels: {path}: two classes at {column * FINE:.0f}, {row * FINE:.0f}",
            remedy="settle on one",
        )


def answered(labels: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The rows that a person has answered."""
    return labels[labels["code"].notna()]


def add_questions(path: Path | str, questions: gpd.GeoDataFrame, legend: Legend) -> Path:
    """Append questions to a label store, or make one with a form to fill in.

    Rows are added in one transaction, so the file may be open in a GIS and keeps all that
    people have put into it.

    Parameters
    ----------
    path
        The GeoPackage.
    questions
        Rows with the columns `QUESTION`, points in EPSG:3035.
    legend
        Classes that the form offers.
    """
    path = Path(path)
    rows = pd.concat([empty_labels(), questions], ignore_index=True)[[*empty_labels()]]
    if path.exists():
        pyogrio.write_dataframe(rows, path, layer=LAYER, driver="GPKG", append=True)
        return path
    with atomic_path(path) as part:
        pyogrio.write_dataframe(
            rows,
            part,
            layer=LAYER,
            driver="GPKG",
            geometry_type="Point",
            dataset_options=GEOPACKAGE,
            layer_options={"GEOMETRY_NAME": "geom", "SPATIAL_INDEX": "NO"},
        )
        add_styles(part, LAYER, "2000-01-01", [form(legend)])
    return path


def with_labels(
    samples: gpd.GeoDataFrame,
    labels: gpd.GeoDataFrame,
    block: Block,
    legend: Legend,
    rules: SamplingRules,
    *,
    region: str,
    exclude: BaseGeometry | None = None,
) -> gpd.GeoDataFrame:
    """Samples of a block with those of people, who are believed before any layer.

    A place becomes a cube of points, like those that are drawn; cubes of layers that touch it are
    left out.

    Parameters
    ----------
    samples
        What was drawn in the block.
    labels
        A label store; rows without an answer, outside the block and in `exclude` do not count.
    block, legend, rules, region, exclude
        As in `draw_samples`.
    """
    said = answered(labels)
    xy = _xy(said)
    west, south, east, north = block.bounds
    here = (xy[:, 0] >= west) & (xy[:, 0] < east) & (xy[:, 1] >= south) & (xy[:, 1] < north)
    if exclude is not None:
        here &= ~said.geometry.intersects(exclude).to_numpy()
    if not here.any():
        return samples
    said, pixel = said[here], np.floor(xy[here] / FINE)
    # Two people may have said the same of one place.
    place = pd.DataFrame({"x": pixel[:, 0], "y": pixel[:, 1], "year": said["year"].to_numpy()})
    first = ~place.duplicated().to_numpy()
    said, centre = said[first], (pixel[first] + 0.5) * FINE
    cubes = _cubes(said, centre, legend, rules, (block.id, region))
    kept = samples[~samples["cube"].isin(_touching(samples, centre, rules))]
    return gpd.GeoDataFrame(pd.concat([kept, cubes], ignore_index=True), crs=CRS)


def _cubes(
    said: gpd.GeoDataFrame,
    centre: NDArray[np.float64],
    legend: Legend,
    rules: SamplingRules,
    origin: tuple[str, str],
) -> gpd.GeoDataFrame:
    dx, dy = cube_offsets(rules)
    each = len(dx)
    leaves = [legend.leaves(int(code)) for code in said["code"]]
    names = cube_names(centre[:, 0], centre[:, 1])
    year = said["year"].fillna(0).to_numpy(np.int16)
    # One place may be answered for several years: its cubes need names of their own.
    names = [f"{name}Y{y}" if y else name for name, y in zip(names, year.tolist(), strict=True)]
    block, region = origin
    columns: dict[str, object] = {
        "sample_id": [f"{name}P{i}" for name in names for i in range(each)],
        "cube": np.repeat(np.array(names, dtype=object), each),
        "code": np.repeat([c[0] if len(c) == 1 else 0 for c in leaves], each),
        "allowed": np.repeat([";".join(map(str, sorted(c))) for c in leaves], each),
        "weight": 1.0,
        "source": LAYER,
        "reliability": MAX_RELIABILITY,
        "region": region,
        "fold": np.repeat(fold_of(centre[:, 0], centre[:, 1], rules), each),
        "block": block,
        "year": np.repeat(year, each),
    }
    x, y = (centre[:, :1] + dx).ravel(), (centre[:, 1:] + dy).ravel()
    return samples_frame(columns, x, y)


def _touching(
    samples: gpd.GeoDataFrame, centre: NDArray[np.float64], rules: SamplingRules
) -> list[str]:
    """Cubes of samples that share ground with the cubes around some places."""
    if samples.empty:
        return []
    where = pd.DataFrame({"x": samples.geometry.x, "y": samples.geometry.y})
    middle = where.groupby(samples["cube"]).mean()
    gap = np.abs(middle.to_numpy()[:, None] - centre[None]).max(axis=2)
    return list(middle.index[(gap < rules.cube_m).any(axis=1)])


def _xy(frame: gpd.GeoDataFrame) -> NDArray[np.float64]:
    return np.column_stack([frame.geometry.x, frame.geometry.y]).astype(np.float64)
