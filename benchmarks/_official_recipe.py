"""The published recipe of the protected-areas layer, as a baseline.

Six predictors a month at 2.5 m, a TempCNN for the region on single pixels, trained on samples that
self-organising maps, confident learning and a relabel test by a first model have cleaned, and a
sieve of 15 pixels with 8 neighbours on the raster. It is allowed level 4 everywhere, which the
published chain does not reach for urban, wetland and water.

Where the publication gives no number ours stands in the settings: they were chosen by the truth of
an area that nothing is reported of (continental, seed 1, 3 km), in favour of the recipe. Tried
there: constant and falling learning rates, 10 to 120 epochs, batches of 64 and 128, dropout 0.3 and
0.5, class weights of the powers 0 to 1 (of the inverse frequency), and stopping on a spatial fold,
which stopped after 8 to 21 epochs and lost some three points of overall accuracy.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from rasterio.features import sieve

from benchmarks._recipe_filters import Caps, label_issues, map_support, out_of_fold, remove
from benchmarks._tempcnn import TempCnnModel, TempCnnSettings, fit_tempcnn
from bocage.legend import Legend

PREDICTORS = ("R", "G", "B", "NIR", "NDVI", "NDWI")
_BANDS = ("B04", "B03", "B02", "B08")
_SAFEGUARDS = Path(__file__).parent / "data" / "recipe_safeguards.csv"
SIEVE_PX = 15
"""Patches with fewer pixels go to their largest neighbour."""


@dataclass(frozen=True)
class RecipeSettings:
    """Choices of the recipe.

    Attributes
    ----------
    net
        Of both models.
    support
        Share of the own label in the own unit of the map below which a sample is suspect.
    sure
        Probability from which another class than the label contradicts it; less is weak.
    filters
        Whether the samples are cleaned at all.
    seed
        Of every random step.
    """

    net: TempCnnSettings = field(default_factory=TempCnnSettings)
    support: float = 0.1
    sure: float = 0.5
    filters: bool = True
    seed: int = 0


def predictors(filled: NDArray[np.floating], bands: tuple[str, ...]) -> NDArray[np.float32]:
    """The six predictors of pixels.

    Parameters
    ----------
    filled
        Reflectance (month, band, pixel) without gaps, unit 1.
    bands
        Names of the bands.

    Returns
    -------
    numpy.ndarray
        float32 (pixel, predictor, month) in the order of `PREDICTORS`; NDVI is
        (NIR − R) / (NIR + R), NDWI (G − NIR) / (G + NIR) (McFeeters 1996).
    """
    red, green, blue, infrared = (filled[:, bands.index(b)] for b in _BANDS)
    found = (red, green, blue, infrared, _ratio(infrared, red), _ratio(green, infrared))
    return np.ascontiguousarray(np.stack(found).transpose(2, 0, 1), np.float32)


def _ratio(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    total = a + b
    found = np.where(np.abs(total) > 1e-6, (a - b) / np.where(total == 0, 1, total), 0)
    # Over dark water the noise around zero would give ratios of hundreds.
    return np.clip(found, -1, 1)


def load_caps(legend: Legend) -> Caps:
    """The safeguards of the recipe, for the leaves of a legend."""
    with _SAFEGUARDS.open(encoding="utf-8") as file:
        return Caps(
            {
                leaf: float(row["most_lost"])
                for row in csv.DictReader(file)
                for leaf in legend.leaves(int(row["code"]), int(row["level"]))
            }
        )


def clean(
    series: NDArray[np.float32], samples: gpd.GeoDataFrame, caps: Caps, settings: RecipeSettings
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Which samples the recipe's filters leave.

    First those go that both the map and confident learning suspect; protected classes lose
    nothing here. Then a first model is trained on the rest and labels its own samples: what it
    gives surely to another class goes, what it gives weakly to another class goes where a
    filter suspected it too. Protected classes lose sure contradictions only. No class loses more
    than its share.

    Parameters
    ----------
    series
        Predictors of the samples (n, predictor, month).
    samples
        Table with ``code``, ``weight`` and ``fold``.
    caps
        The largest shares.
    settings
        Choices.

    Returns
    -------
    kept
        bool (n,).
    counts
        Samples that each filter took.
    """
    codes, fold = samples["code"].to_numpy(), samples["fold"].to_numpy()
    features = series.reshape(len(series), -1)
    support = map_support(features, codes, settings.seed)
    issue = label_issues(out_of_fold(features, codes, fold, settings.seed), codes)
    odd = support < settings.support
    guarded = np.isin(codes, list(caps.protected))
    none = np.zeros(len(codes), bool)
    filtered = remove(odd & issue & ~guarded, -support, codes, none, caps)
    first = _train(series[~filtered], samples[~filtered], settings)
    said, sureness = _said(first, series)
    other = (said != codes) & ~filtered
    sure = other & (sureness >= settings.sure)
    weak = other & ~sure & ~guarded & (odd | issue)
    lost = remove(sure | weak, sureness, codes, filtered, caps)
    counts = Counter(
        map=int(odd.sum()),
        confident_learning=int(issue.sum()),
        filters_took=int(filtered.sum()),
        relabel_test_took=int((lost & ~filtered).sum()),
    )
    return ~lost, dict(counts)


def _said(
    model: TempCnnModel, series: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    probability = model.probabilities(series)
    return model.classes[probability.argmax(axis=1)], probability.max(axis=1)


def fit_recipe(
    series: NDArray[np.float32],
    samples: gpd.GeoDataFrame,
    legend: Legend,
    settings: RecipeSettings,
) -> tuple[TempCnnModel, dict[str, int]]:
    """Clean the samples and train the model of the region; the model and what was taken."""
    counts = {"samples": len(samples)}
    if settings.filters:
        kept, taken = clean(series, samples, load_caps(legend), settings)
        series, samples, counts = series[kept], samples[kept], counts | taken
    model = _train(series, samples, settings)
    return model, counts


def _train(
    series: NDArray[np.float32], samples: gpd.GeoDataFrame, settings: RecipeSettings
) -> TempCnnModel:
    codes, weight = samples["code"].to_numpy(), samples["weight"].to_numpy(np.float64)
    return fit_tempcnn(series, codes, weight, settings.net)


def sieved(classes: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The raster without patches of fewer than `SIEVE_PX` pixels.

    Parameters
    ----------
    classes
        Class index, uint8 (y, x).
    inside
        Where there is a map, bool (y, x); the rest stays and takes no patch.
    """
    found: NDArray[np.uint8] = sieve(classes, SIEVE_PX, mask=inside, connectivity=8)
    return np.where(inside, found, classes)
