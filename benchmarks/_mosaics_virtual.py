"""Mosaics of virtual areas against the reflectance of the ground in the middle of each month."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pystac
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from sklearn.ensemble import RandomForestClassifier

from benchmarks._superres_scenes import TEN
from benchmarks._superres_virtual import YEAR, ground
from bocage.grid import FINE, NATIVE, geobox
from bocage.imagery import (
    ImagerySettings,
    Relief,
    monthly_mosaic,
    search,
    survey_lighting,
)
from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.rasters import read_onto
from bocage.simulate import simulate
from bocage.simulate._domain import Domain
from bocage.simulate._tables import region

AREAS = (("continental", 7), ("atlantic", 8), ("alpine", 9))
"""Region and seed of the areas, two kilometres a side."""

SIZE_KM = 2.0
SUMMER = (5, 6, 7, 8, 9)
"""Months without snow but on the summits."""

_FINE = 4
_SQUARE = 50  # pixels of 10 m


def virtual(name: str, seed: int, variants: dict[str, ImagerySettings]) -> dict[str, float]:
    """Root mean square error of the months of each variant, all bands together.

    Every variant is judged on the pixels and months that the first has observed, whether it has
    observed them too or filled them in; ``summer`` with the name of a variant is its error of May
    to September, ``lost`` the share of those pixels and months that it has filled in, ``forest``
    the accuracy (per cent) of a random forest on its months.
    """
    domain = Domain.around(region(name).place, SIZE_KM)
    west, north = domain.center[0] - domain.half, domain.center[1] + domain.half
    side = 2 * domain.half
    box = geobox((west, north - side, west + side, north), NATIVE)
    rim = round(domain.margin / NATIVE)
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder), region=name, size_km=SIZE_KM, seed=seed, years=(YEAR,))
        made = {}
        for variant, settings in variants.items():
            items = search(
                Path(folder) / "catalog/catalog.json", settings, tuple(box.boundingbox), YEAR
            )
            relief = _relief(Path(folder), items, box, settings)
            made[variant] = monthly_mosaic(items, box, settings, YEAR, relief)
        classes = read_onto(
            Path(folder) / f"truth/lulc_{YEAR}.tif", geobox(tuple(box.boundingbox), FINE)
        ).values
    months = next(iter(made.values()))["month"].values
    days = [30.4 * (int(m) - 0.5) for m in months]
    every = [m["gap"].values == 0 for m in made.values()]
    common = every[0] & np.logical_and.reduce([m["gap"].values < 2 for m in made.values()])
    total = {variant: np.zeros(len(months)) for variant in made}
    for step, fine in enumerate(ground(name, seed, days, SIZE_KM)):
        bands, rows, columns = fine.shape
        grid = (bands, rows // _FINE, _FINE, columns // _FINE, _FINE)
        truth = fine.reshape(grid).mean(axis=(2, 4))[:, rim:-rim, rim:-rim]
        for variant, mosaic in made.items():
            values = mosaic["reflectance"].sel(band=list(TEN)).values[step]
            error = np.square(values - truth)[:, common[step]]
            total[variant][step] = error.sum(dtype=np.float64)
    count = common.sum(axis=(1, 2)) * len(TEN)
    warm = np.isin(months, SUMMER)
    errors = {variant: float(np.sqrt(t.sum() / count.sum())) for variant, t in total.items()}
    errors |= {
        f"summer {variant}": float(np.sqrt(t[warm].sum() / count[warm].sum()))
        for variant, t in total.items()
    }
    lost = {
        f"lost {variant}": float((every[0] & ~own).sum() / every[0].sum())
        for variant, own in zip(made, every, strict=True)
    }
    forest = {f"forest {variant}": _forest(mosaic, classes) for variant, mosaic in made.items()}
    return errors | lost | forest


def _relief(
    folder: Path, items: list[pystac.Item], box: GeoBox, settings: ImagerySettings
) -> Relief | None:
    """Heights of a virtual area and the light on them, where the settings ask for it."""
    if settings.illumination == "none":
        return None
    heights = folder / "reference/heights.tif"
    bounds = tuple(box.boundingbox)
    return Relief(heights, survey_lighting(items, heights, bounds, settings, YEAR))


def _forest(mosaic: xr.Dataset, fine: NDArray[np.uint8]) -> float:
    """Accuracy of random forests on pure pixels of alternate 500 m squares, each half in turn.

    A quick look at what the months are worth to a classifier, not the classifier of this package:
    true labels, pixels of 10 m of a single class. In smaller squares clouds tell a forest where it
    is, and a month full of them looks better than it is.
    """
    rows, columns = mosaic.sizes["y"], mosaic.sizes["x"]
    cells = fine.reshape(rows, _FINE, columns, _FINE)
    label = cells.min(axis=(1, 3))
    pure = (label == cells.max(axis=(1, 3))) & (label != UNCLASSIFIED) & (label != OUTSIDE)
    y, x = np.indices(label.shape)
    half = (y // _SQUARE + x // _SQUARE) % 2 == 0
    features = np.nan_to_num(mosaic["reflectance"].values, nan=-1).reshape(-1, rows, columns)
    right = []
    for train in (pure & half, pure & ~half):
        test = pure & ~train
        model = RandomForestClassifier(60, min_samples_leaf=2, random_state=0)
        model.fit(features[:, train].T, label[train])
        right.append(model.predict(features[:, test].T) == label[test])
    return float(100 * np.concatenate(right).mean())
