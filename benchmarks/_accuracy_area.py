"""The ground on which the classifiers are compared: one virtual area, its samples and points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import xarray as xr
import yaml
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy import ndimage

from bocage.accuracy import sample_points
from bocage.cubes import load_dataset
from bocage.files import write_text
from bocage.grid import FINE, Block, geobox
from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.model import load_model
from bocage.posterior import Posterior
from bocage.rasters import inside, read_onto, wrap
from bocage.samples import collect, read_samples
from bocage.simulate import simulate
from bocage.superres import superresolve
from bocage.workflow import Plan, load_project, make_plan, run
from bocage.workflow.rooms._safe import sampled_thresholds
from bocage.workflow.rooms.imagery import mosaic_file
from bocage.workflow.rooms.model import posterior_file
from bocage.workflow.rooms.samples import sample_file

YEAR = 2021
CLEAR_M = 10.0
"""No point is drawn this near to a training sample."""

QUICK_EPOCHS = 3


@dataclass(frozen=True)
class Answer:
    """What a method says at the points.

    Attributes
    ----------
    code
        int64 (point,): leaf code of the map, 0 unclassified.
    probability
        float32 (point, class): classes in the order of the legend.
    """

    code: NDArray[np.int64]
    probability: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ground:
    """A virtual area that bocage has mapped.

    Attributes
    ----------
    plan
        The project.
    grid
        Pixels of 2.5 m over all of it.
    truth
        Class index, uint8 (y, x), outside where nothing is measured.
    samples
        Training samples of all blocks with one class each, in the order of their ids.
    points
        Test points with ``stratum`` (true class index), ``reference`` (code) and ``weight`` (ha).
    """

    plan: Plan
    grid: GeoBox
    truth: NDArray[np.uint8]
    samples: gpd.GeoDataFrame
    points: gpd.GeoDataFrame

    @cached_property
    def mapped(self) -> NDArray[np.bool_]:
        """Pixels in the sites, bool (y, x)."""
        return inside(self.plan.area, self.grid)

    @property
    def areas(self) -> dict[int, float]:
        """Measured area of each true class index, hectares."""
        count = np.bincount(self.truth.ravel(), minlength=256)
        return {i: n * FINE**2 / 1e4 for i, n in enumerate(count.tolist()) if n and i != OUTSIDE}

    def series(self, block: Block) -> xr.Dataset:
        """The series of a block with its halo."""
        mosaic = load_dataset(mosaic_file(self.plan, YEAR, block))
        return superresolve(mosaic, self.plan.project.superres.backend)

    def window(self, block: Block) -> tuple[slice, slice]:
        """Where a block lies in the grid."""
        west, _, _, north = block.bounds
        row = round((self.grid.affine.f - north) / FINE)
        column = round((west - self.grid.affine.c) / FINE)
        side = round(block.size / FINE)
        return slice(row, row + side), slice(column, column + side)

    def at(self, frame: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of places in the grid."""
        return pixels_at(frame, self.grid)


def map_area(
    out: Path,
    region: str,
    size_km: float,
    seed: int,
    *,
    quick: bool = False,
    say: Callable[[str], None] | None = None,
) -> Plan:
    """Simulate one year of an area and map it with bocage up to the posterior.

    What is there already from a call with the same arguments is used again.
    """
    project, card = out / "project.yaml", out / "accuracy.yaml"
    asked = yaml.safe_dump({"region": region, "size_km": size_km, "seed": seed, "quick": quick})
    if not (card.exists() and card.read_text(encoding="utf-8") == asked):
        simulate(out, region=region, size_km=size_km, seed=seed, years=(YEAR,), progress=say)
        if quick:
            settings = yaml.safe_load(project.read_text(encoding="utf-8"))
            settings["model"] = {**settings.get("model", {}), "epochs": QUICK_EPOCHS}
            write_text(project, yaml.safe_dump(settings, sort_keys=False))
        write_text(card, asked)
    plan = make_plan(load_project(project))
    run(plan, until="posterior")
    return plan


def survey(plan: Plan, points: int, seed: int, minimum: int) -> Ground:
    """Put the truth, the samples and the test points of a mapped area together.

    Points are drawn per true class, whatever any map says, and the same serve all methods. They
    keep `CLEAR_M` from every training sample.
    """
    table = collect(read_samples(sample_file(plan, b)) for b in plan.blocks)
    truth, grid = measured_truth(plan, YEAR, table)
    found = sample_points(wrap(truth, grid), points, seed, minimum=minimum)
    found["reference"] = plan.legend.code_table()[found["stratum"]]
    single = table[table["code"] > 0].reset_index(drop=True)
    return Ground(plan, grid, truth, gpd.GeoDataFrame(single, crs=table.crs), found)


def measured_truth(
    plan: Plan, year: int, samples: gpd.GeoDataFrame
) -> tuple[NDArray[np.uint8], GeoBox]:
    """True class index of a year where points may lie, outside elsewhere, and its grid."""
    bounds = np.array([b.bounds for b in plan.blocks])
    grid = geobox((*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0)), FINE)
    truth = read_onto(plan.references[year].path, grid).values.astype(np.uint8)
    free = np.ones(truth.shape, bool)
    free[pixels_at(samples, grid)] = False
    near = ndimage.distance_transform_edt(free, sampling=FINE) < CLEAR_M
    truth[near | ~inside(plan.area, grid) | (truth == UNCLASSIFIED)] = OUTSIDE
    return truth, grid


def pixels_at(frame: gpd.GeoDataFrame, grid: GeoBox) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of places in a grid."""
    column, row = ~grid.affine @ (frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy())
    row, column = (np.floor(np.asarray(v)).astype(np.int64) for v in (row, column))
    return row, column


def by_block(frame: gpd.GeoDataFrame, plan: Plan) -> list[tuple[Block, NDArray[np.intp]]]:
    """Positions of the rows of a table that lie in each block, blocks with none left out."""
    x, y = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    found = []
    for block in plan.blocks:
        west, south, east, north = block.bounds
        here = np.flatnonzero((x >= west) & (x < east) & (y > south) & (y <= north))
        if len(here):
            found.append((block, here))
    return found


def bocage_answer(ground: Ground) -> Answer:
    """What the posterior of bocage says at the points."""
    plan, points = ground.plan, ground.points
    code = np.zeros(len(points), np.int64)
    probability = np.zeros((len(points), len(plan.legend)), np.float32)
    for block, here in by_block(points, plan):
        posterior = Posterior.load(posterior_file(plan, YEAR, block))
        part = points.iloc[here]
        at = posterior.data.sel(
            x=xr.DataArray(part.geometry.x.to_numpy(), dims="point"),
            y=xr.DataArray(part.geometry.y.to_numpy(), dims="point"),
            method="nearest",
        )
        # A raster of a single row holds the points.
        row = Posterior.from_packed(
            at["index"].values[:, None],
            at["probability"].values[:, None],
            {"y": [0.0], "x": np.arange(len(here), dtype=float)},
            posterior.legend_id,
            posterior.codes,
        )
        code[here] = plan.legend.code_table()[row.best.values[0]]
        probability[here] = np.nan_to_num(row.dense().values[:, 0].T)
    return Answer(code, probability)


def set_thresholds(plan: Plan) -> dict[str, float]:
    """Thresholds of the conformal sets of the map of an area, by level."""
    expected = load_model(plan.file("model")).facts.metrics["conformal"]["expected"]
    blocks = ((posterior_file(plan, YEAR, block), plan.area) for block in plan.blocks)
    return sampled_thresholds(blocks, plan.area.area, expected, plan.legend)


def spread(
    probability: NDArray[np.floating], classes: NDArray[np.integer], ground: Ground
) -> NDArray[np.float32]:
    """Probabilities of some codes as those of all classes of the legend, in its order."""
    out = np.zeros((len(probability), len(ground.plan.legend)), np.float32)
    out[:, [ground.plan.legend.index(int(c)) - 1 for c in classes]] = probability
    return out
