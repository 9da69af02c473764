"""What each method says at the test points of one ground, from the same series and samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks._accuracy_area import Answer, Ground, by_block, spread
from benchmarks._official_recipe import RecipeSettings, fit_recipe, predictors, sieved
from benchmarks._tempcnn import TempCnnModel
from bocage.grid import Block
from bocage.legend import UNCLASSIFIED
from bocage.model import fit_predict, pixel_features
from bocage.model._features import fill_months
from bocage.model._series import band_names, month_numbers, select

_ROWS = 100  # rows of 2.5 m that the recipe classifies in one go


@dataclass(frozen=True, eq=False)
class Features:
    """Monthly bands at 2.5 m of the samples and the points.

    Attributes
    ----------
    bands, months
        Names and numbers.
    samples, points
        float32 (n, month · band), without gaps; NaN where nothing was ever seen.
    """

    bands: tuple[str, ...]
    months: tuple[int, ...]
    samples: NDArray[np.float32]
    points: NDArray[np.float32]

    def cube(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same as (month, band, n)."""
        return features.T.reshape(len(self.months), len(self.bands), -1)


def read_features(ground: Ground) -> Features:
    """Read the series under the samples and the points."""
    both = gpd.GeoDataFrame(
        geometry=pd.concat([ground.samples.geometry, ground.points.geometry], ignore_index=True),
        crs=ground.points.crs,
    )
    parts, bands, months = [], tuple[str, ...](), tuple[int, ...]()
    for block, here in by_block(both, ground.plan):
        series = ground.series(block)
        bands, months = band_names(series)[0], month_numbers(series)
        parts.append(pixel_features(series, both.iloc[here]))
    rows = pd.concat(parts).reindex(both.index).to_numpy(np.float32)
    count = len(ground.samples)
    return Features(bands, months, rows[:count], rows[count:])


def baseline_answer(name: str, ground: Ground, features: Features, seed: int) -> Answer:
    """A forest or boosted trees on all bands and months."""
    samples = ground.samples
    seen = np.isfinite(features.samples).all(axis=1)
    code, probability, classes = fit_predict(
        name,
        features.samples[seen],
        samples["code"].to_numpy()[seen],
        samples["weight"].to_numpy()[seen],
        np.nan_to_num(features.points),
        seed,
    )
    blind = ~np.isfinite(features.points).all(axis=1)
    return Answer(np.where(blind, 0, code), spread(probability, classes, ground))


def recipe_answer(
    ground: Ground, features: Features, settings: RecipeSettings
) -> tuple[Answer, dict[str, Any]]:
    """The official recipe: cleaned samples, a TempCNN, the sieved raster of the sites.

    Returns
    -------
    Answer
        Codes are those of the sieved raster, probabilities those of the network.
    facts
        What the filters took, and the share of the sites that the sieve changed.
    """
    seen = np.isfinite(features.samples).all(axis=1)
    series = predictors(features.cube(features.samples[seen]), features.bands)
    samples = ground.samples[seen].reset_index(drop=True)
    model, facts = fit_recipe(series, samples, ground.plan.legend, settings)
    raw = _raster(model, ground)
    final = sieved(raw, ground.mapped)
    at = predictors(features.cube(np.nan_to_num(features.points)), features.bands)
    code = ground.plan.legend.code_table()[final[ground.at(ground.points)]].astype(np.int64)
    changed = float((raw != final)[ground.mapped].mean())
    answer = Answer(code, spread(model.probabilities(at), model.classes, ground))
    return answer, {**facts, "sieved_share": round(changed, 4)}


def _raster(model: TempCnnModel, ground: Ground) -> NDArray[np.uint8]:
    """Class index of all pixels in the sites, uint8 (y, x)."""
    index = np.array([ground.plan.legend.index(int(c)) for c in model.classes], np.uint8)
    out = np.full(ground.grid.shape, UNCLASSIFIED, np.uint8)
    for block in ground.plan.blocks:
        rows, columns = ground.window(block)
        wanted = ground.mapped[rows, columns]
        if wanted.any():
            out[rows, columns][wanted] = _block(model, ground, block, wanted, index)
    return out


def _block(
    model: TempCnnModel,
    ground: Ground,
    block: Block,
    wanted: NDArray[np.bool_],
    index: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Class index of the wanted pixels of a block, in raster order."""
    series = ground.series(block)
    bands, months = band_names(series)[0], month_numbers(series)
    reflectance, gap = select(series, bands, months)
    offset = (series.sizes["y"] - wanted.shape[0]) // 2  # the halo
    parts = []
    for top in range(0, len(wanted), _ROWS):
        inner = wanted[top : top + _ROWS]
        rows = slice(offset + top, offset + top + len(inner))
        columns = slice(offset, offset + wanted.shape[1])
        values = reflectance[:, :, rows, columns].values[:, :, inner]
        seen = (gap[:, rows, columns].values[:, inner] == 0) & np.isfinite(values).all(axis=1)
        filled = fill_months(values, seen)
        known = np.isfinite(filled).all(axis=(0, 1))
        said = model.probabilities(predictors(np.nan_to_num(filled), bands)).argmax(axis=1)
        parts.append(np.where(known, index[said], np.uint8(UNCLASSIFIED)))
    return np.concatenate(parts)
