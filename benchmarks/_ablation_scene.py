"""A virtual area with one mosaic, its samples and its truth, and the inputs that are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from benchmarks._accuracy_area import measured_truth
from benchmarks._superres_scenes import TEN
from benchmarks._superres_virtual import ground
from bocage.cubes import load_dataset
from bocage.grid import FINE, NATIVE, geobox
from bocage.imagery import load_items, monthly_frames
from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.rasters import geobox_of, inside, read_onto, wrap
from bocage.samples import collect, read_samples
from bocage.simulate import simulate
from bocage.simulate._domain import Domain
from bocage.simulate._tables import region as load_region
from bocage.superres import FACTOR, superresolve
from bocage.workflow import Plan, load_project, make_plan, run
from bocage.workflow.rooms.imagery import mosaic_file
from bocage.workflow.rooms.samples import sample_file

YEAR = 2021
SNAP = 20.0
"""Corners lie on multiples of it, so that 20 m pixels stay whole."""

_DAYS_A_MONTH = 30.4


@dataclass(frozen=True, eq=False)
class Scene:
    """What all inputs of a virtual area share.

    Attributes
    ----------
    region, seed, size_km
        The area.
    plan
        Its project.
    mosaic
        Monthly mosaic at 10 m of the sites and what blocks have as halo around.
    samples
        Training samples of all blocks.
    truth
        Class index at 2.5 m on the fine grid of the mosaic, uint8 (y, x), outside where there is
        no site.
    measured
        Where pixels are counted, bool (y, x): in the sites, away from samples.
    """

    region: str
    seed: int
    size_km: float
    plan: Plan
    mosaic: xr.Dataset
    samples: gpd.GeoDataFrame
    truth: NDArray[np.uint8]
    measured: NDArray[np.bool_]


def prepare(
    folder: Path,
    region: str,
    seed: int,
    size_km: float,
    say: Callable[[str], None] | None = None,
) -> Scene:
    """Simulate an area and read what is shared; what is there already is used again."""
    if not (folder / "project.yaml").exists():
        simulate(folder, region=region, size_km=size_km, seed=seed, years=(YEAR,), progress=say)
    plan = make_plan(load_project(folder / "project.yaml"))
    run(plan, until="samples", cluster="none")
    west, south, east, north = plan.area.bounds
    halo = plan.blocks[0].halo
    around = geobox((west - halo, south - halo, east + halo, north + halo), SNAP)
    mosaic = whole_mosaic(plan, geobox(tuple(around.boundingbox), NATIVE)).sel(band=list(TEN))
    fine = geobox(tuple(around.boundingbox), FINE)
    samples = collect(read_samples(sample_file(plan, b)) for b in plan.blocks)
    truth = read_onto(plan.references[YEAR].path, fine).values.astype(np.uint8)
    truth[~inside(plan.area, fine) | (truth == UNCLASSIFIED)] = OUTSIDE
    counted, grid = measured_truth(plan, YEAR, samples)
    measured = _onto(wrap(counted, grid), fine) != OUTSIDE
    return Scene(region, seed, size_km, plan, mosaic, samples, truth, measured)


def _onto(data: xr.DataArray, grid: GeoBox) -> NDArray[np.uint8]:
    """A raster on an aligned grid, outside beyond its own."""
    frame = wrap(np.zeros(grid.shape, np.uint8), grid)
    moved = data.reindex(y=frame["y"], x=frame["x"], method="nearest", tolerance=1e-3,
                         fill_value=OUTSIDE)  # fmt: skip
    return np.asarray(moved.values, np.uint8)


def whole_mosaic(plan: Plan, grid: GeoBox) -> xr.Dataset:
    """The mosaics of all blocks on one grid, each block's own pixels before others' halos."""
    parts = [load_dataset(mosaic_file(plan, YEAR, b)) for b in plan.blocks]
    cores = [p.sel(x=slice(b.bounds[0], b.bounds[2]), y=slice(b.bounds[3], b.bounds[1]))
             for p, b in zip(parts, plan.blocks, strict=True)]  # fmt: skip
    first = parts[0]["reflectance"].transpose("month", "band", "y", "x")
    labels = {name: first[name].values for name in ("month", "band")}
    shape = (len(labels["month"]), *grid.shape)
    bands = len(labels["band"])
    made = {
        "reflectance": np.full((shape[0], bands, *grid.shape), np.nan, np.float32),
        "valid": np.zeros(shape, np.uint8),
        "gap": np.full(shape, 2, np.uint8),
    }
    for part in (*parts, *cores):
        inner = part.sel(y=_between(part["y"], grid, 1), x=_between(part["x"], grid, 0))
        if not inner.sizes["y"] or not inner.sizes["x"]:
            continue
        column, row = ~grid.affine @ (float(inner["x"][0]), float(inner["y"][0]))
        rows = slice(int(row), int(row) + inner.sizes["y"])
        columns = slice(int(column), int(column) + inner.sizes["x"])
        for name, values in made.items():
            dims = ("month", "band", "y", "x") if values.ndim == 4 else ("month", "y", "x")
            values[..., rows, columns] = inner[name].transpose(*dims).values
    variables = {
        name: wrap(
            values,
            grid,
            dims=("month", "band", "y", "x") if values.ndim == 4 else ("month", "y", "x"),
            **(labels if values.ndim == 4 else {"month": labels["month"]}),
        )
        for name, values in made.items()
    }
    resolution = ("band", parts[0]["resolution"].values)
    return xr.Dataset(variables, attrs=parts[0].attrs).assign_coords(resolution=resolution)


def _between(axis: xr.DataArray, grid: GeoBox, which: int) -> NDArray[np.bool_]:
    """Which pixels of an axis (0 x, 1 y) lie in a grid."""
    box = grid.boundingbox
    low, high = (box.left, box.right) if which == 0 else (box.bottom, box.top)
    return np.asarray((axis.values > low) & (axis.values < high))


class Repeated:
    """Each 10 m pixel sixteen times: nothing is said about the inside of a pixel."""

    name: ClassVar[str] = "ten"
    any_unit: ClassVar[bool] = True

    def upscale(self, image: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
        """Repeat pixels, float32 (band, 4 y, 4 x)."""
        return image.repeat(FACTOR, axis=1).repeat(FACTOR, axis=2)


class Oracle:
    """Gives the true image of one month after the other, to be made consistent with the mosaic.

    What comes out has the noise, the dates and the errors of the mosaic at 10 m, and the truth's
    detail inside: what a super-resolution without fault would make of this mosaic.
    """

    name: ClassVar[str] = "detail"
    any_unit: ClassVar[bool] = True
    consistency: ClassVar[str] = "psf"

    def __init__(self, months: Iterator[NDArray[np.float32]]) -> None:
        self._months = months

    def upscale(self, image: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
        """The truth of the next month."""
        return next(self._months)


def true_months(scene: Scene) -> Iterator[NDArray[np.float32]]:
    """True reflectance (band, y, x) at 2.5 m on the fine grid, in the middle of each month."""
    mosaic = scene.mosaic
    domain = Domain.around(load_region(scene.region).place, scene.size_km)
    coarse = geobox_of(mosaic["reflectance"])
    column, row = ~domain.geobox(FINE).affine @ (coarse.affine.c, coarse.affine.f)
    first = (round(row), round(column))
    rows, columns = (slice(i, i + FACTOR * n) for i, n in zip(first, coarse.shape, strict=True))
    days = [_DAYS_A_MONTH * (int(m) - 0.5) for m in mosaic["month"].values]
    for image in ground(scene.region, scene.seed, days, scene.size_km):
        yield image[:, rows, columns]


def series_of(scene: Scene, name: str) -> xr.Dataset:
    """The monthly series at 2.5 m of an input.

    ``ten``: 10 m pixels repeated; ``truth``: the ground itself in the middle of each month,
    without noise or atmosphere, with the gaps of the mosaic; ``detail``: see `Oracle`;
    ``frames``: dates super-resolved one by one; else a backend of super-resolution.
    """
    if name == "ten":
        return superresolve(scene.mosaic, Repeated())
    if name == "detail":
        return superresolve(scene.mosaic, Oracle(true_months(scene)))
    if name == "truth":
        series = superresolve(scene.mosaic, Repeated())
        for month, image in enumerate(true_months(scene)):
            series["reflectance"].values[month] = image
        return series
    if name == "frames":
        items = load_items(scene.plan.file("imagery", f"items_{YEAR}.json"))
        settings = replace(scene.plan.imagery, bands=TEN)
        grid = geobox_of(scene.mosaic["reflectance"])
        return superresolve(scene.mosaic, frames=monthly_frames(items, grid, settings, YEAR))
    return superresolve(scene.mosaic, name)
