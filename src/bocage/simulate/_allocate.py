"""Which kind of land each parcel is: by suitability, up to the share the region has of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import FloatArray, fractal
from bocage.simulate._parcels import Parcels
from bocage.simulate._streams import STEP
from bocage.simulate._tables import FEATURES, Land, Region, land_index, lands

SAMPLE = 4
"""Every so many pixels are looked at when the properties of parcels are averaged."""

FARM = {"slope": -1.2, "wet": -0.25, "height": -0.45, "town": 0.5}
"""What makes land worth farming."""


def farm_land(
    parcels: Parcels,
    land: NDArray[np.bool_],
    domain: Domain,
    region: Region,
    features: dict[str, FloatArray],
    height: FloatArray,
    seed: Seed,
) -> NDArray[np.bool_]:
    """Which field parcels are farmed: the best ones, up to the share of farmland; shape (n,).

    Parameters
    ----------
    land
        Pixels that are not the sea, shape (y, x).
    height
        Metres above the sea on the grid of `STEP` metres: nobody ploughs above the trees.
    """
    kinds = {land.key: land for land in lands()}
    shares = {key: share for key, share in region.shares.items() if key in kinds}
    farm = sum(s for k, s in shares.items() if kinds[k].zone in ("farm", "basin"))
    total = sum(s for k, s in shares.items() if kinds[k].zone != "line")
    means = _means(parcels, features)
    axis = domain.axis(STEP)
    chance = fractal(axis, axis, 1500, seed.at("farm"), octaves=3)
    score = sum(weight * means[name] for name, weight in FARM.items())
    score = score + 1.0 * _mean(parcels, chance)
    size = np.bincount(parcels.label[land], minlength=parcels.count)
    score = np.where(_mean(parcels, height) > region.treeline_m, -np.inf, score)
    order = np.argsort(-score, kind="stable")
    inside = np.cumsum(size[order]) <= farm / total * size.sum()
    chosen = np.zeros(parcels.count, bool)
    chosen[order[inside & np.isfinite(score[order])]] = True
    return chosen


def allocate(
    parcels: Parcels,
    within: NDArray[np.bool_],
    zones: Iterable[str],
    domain: Domain,
    region: Region,
    features: dict[str, FloatArray],
    height: FloatArray,
    seed: Seed,
) -> NDArray[np.uint8]:
    """Kind of land of each parcel, shape (n,).

    Rare kinds choose first and take the parcels that suit them best; the most
    common kind of each belt takes what is left.

    Parameters
    ----------
    within
        Pixels that count, shape (y, x).
    zones
        Zones of the kinds that are placed here.
    height
        Metres above the sea on the grid of `STEP` metres.
    """
    zones = set(zones)
    kinds = [k for k in lands() if k.zone in zones and region.shares.get(k.key, 0) > 0]
    kinds.sort(key=lambda k: region.shares[k.key])
    size = np.bincount(parcels.label[within], minlength=parcels.count).astype(float)
    means = _means(parcels, features)
    total = sum(region.shares[k.key] for k in kinds)
    above = _mean(parcels, height) > region.treeline_m
    free = size > 0
    result = np.full(parcels.count, land_index()[kinds[-1].key], np.uint8)
    for belt, where in ((-1, ~above), (1, above)):
        common = [k for k in kinds if k.belt in (0, belt)]
        if common:
            result[where] = land_index()[common[-1].key]
    for kind in kinds[:-1]:
        score = _suitability(kind, parcels, means, domain, seed)
        open_ = free & ((kind.belt == 0) | (above == (kind.belt > 0)))
        order = np.argsort(np.where(open_, -score, np.inf), kind="stable")[: int(open_.sum())]
        quota = region.shares[kind.key] / total * size.sum()
        # Half the next parcel: on average the share is met, and one parcel is always taken.
        taken = order[np.concatenate([[0.0], np.cumsum(size[order])[:-1]]) < quota]
        if len(taken) > 1 and size[taken].sum() - quota > 0.5 * size[taken[-1]]:
            taken = taken[:-1]
        result[taken] = land_index()[kind.key]
        free[taken] = False
    return result


def _suitability(
    kind: Land, parcels: Parcels, means: dict[str, FloatArray], domain: Domain, seed: Seed
) -> NDArray[np.float64]:
    axis = domain.axis(STEP)
    chance = fractal(axis, axis, kind.noise_m, seed.at("land", kind.key), octaves=2)
    score = kind.noise * _mean(parcels, chance).astype(float)
    for name, weight in zip(FEATURES, kind.weights, strict=True):
        score += weight * means[name]
    draw = seed.rng("scatter", kind.key).normal(0, 1, parcels.count)
    result: NDArray[np.float64] = score + kind.scatter * draw
    return result


def _means(parcels: Parcels, features: dict[str, FloatArray]) -> dict[str, FloatArray]:
    return {name: _mean(parcels, field) for name, field in features.items()}


def _mean(parcels: Parcels, field: FloatArray) -> FloatArray:
    """Mean of a field on the grid of `STEP` metres over each parcel."""
    label = parcels.label[SAMPLE // 2 :: SAMPLE, SAMPLE // 2 :: SAMPLE]
    times = label.shape[0] // field.shape[0]
    values = np.repeat(np.repeat(field, times, axis=0), times, axis=1)
    count = np.bincount(label.ravel(), minlength=parcels.count)
    total = np.bincount(label.ravel(), values.ravel(), minlength=parcels.count)
    mean: FloatArray = (total / np.maximum(count, 1)).astype(np.float32)
    return mean
