"""Virtual areas with true reflectance at 2.5 m, seen by a camera whose point spread is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks._superres_scenes import TEN
from bocage.grid import FINE
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._expose import textures
from bocage.simulate._growth import grow, load_climate
from bocage.simulate._instrument import Band, bands
from bocage.simulate._landscape import build_landscape
from bocage.simulate._paint import mixing_fields, paint_covers
from bocage.simulate._spectra import spectra
from bocage.simulate._tables import region as load_region
from bocage.simulate._units import make_units
from bocage.simulate._year import object_altitude
from bocage.superres import (
    METRICS,
    Bicubic,
    SuperResolver,
    correctness,
    psf_mtf,
    sharpen,
    upsample,
)
from bocage.superres._chain import Chain, apply_chain
from bocage.superres._psf import _decimate
from bocage.superres._wald import OPENSR_BANDS

YEAR = 2021
SUN = 50.0
"""Elevation of the sun in degrees, for the noise."""

_RIM = 40  # fine pixels
_REACH = 3.5


@dataclass(frozen=True, eq=False)
class Virtual:
    """One date of a virtual area.

    Attributes
    ----------
    truth
        float32 (band, y, x) at 2.5 m, bands in the order of ``TEN``.
    seen
        float32 (band, y, x) of each native pixel size (metres), through the camera, with noise.
    """

    truth: NDArray[np.float32]
    seen: dict[int, NDArray[np.float32]]


def _bands(size: int) -> list[Band]:
    return [b for name in TEN for b in bands() if b.band == name and b.resolution_m == size]


def ground(
    name: str, seed: int, days: Sequence[float], size_km: float
) -> Iterator[NDArray[np.float32]]:
    """True reflectance (band, y, x) at 2.5 m of a landscape with its margin, day by day."""
    countryside = load_region(name)
    domain = Domain.around(countryside.place, size_km)
    scoped = Seed(seed, name)
    land = build_landscape(domain, countryside, scoped)
    covers = paint_covers(land, mixing_fields(domain, scoped), YEAR, scoped)
    units = make_units(land.obj, covers)
    climate = load_climate(countryside, YEAR, scoped)
    growth = grow(units, object_altitude(land), countryside, climate, YEAR, scoped)
    texture, greenness = (t / np.float32(40) for t in textures(domain, scoped))
    order = [[b.band for b in bands()].index(n) for n in TEN]
    for day in days:
        looks = spectra(units, growth, countryside, day, SUN)
        light = 1 + looks.texture[units.label] * texture
        yield np.stack(
            [
                light * looks.mean[units.label, b] + greenness * looks.green[units.label, b]
                for b in order
            ]
        ).astype(np.float32)


def make(name: str, seed: int, day: float, size_km: float = 3.0) -> Virtual:
    """The landscape of a region on a day of the year, as it is and as it is seen."""
    (truth,) = ground(name, seed, [day], size_km)
    side = min(truth.shape[1:]) // 8 * 8
    truth = truth[:, :side, :side]
    rng = np.random.default_rng(seed)
    seen = {}
    for size in (10, 20):
        own = _bands(size)
        chosen = truth[[TEN.index(b.band) for b in own]]
        seen[size] = np.stack([_look(t, b, rng) for t, b in zip(chosen, own, strict=True)])
    return Virtual(truth, seen)


def _look(truth: NDArray[np.float32], band: Band, rng: np.random.Generator) -> NDArray[np.float32]:
    """One band through its point spread, with the noise of the requirement."""
    factor = round(band.resolution_m / FINE)
    half = int(np.ceil(_REACH * band.spread))
    at = np.arange(2 * half) - half + 0.5
    weights = np.exp(-0.5 * (at / band.spread) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    image = _decimate(_decimate(truth, weights, factor).T, weights, factor).T
    noise = rng.standard_normal(image.shape, dtype=np.float32) * band.noise(image, SUN)
    return (image + noise).astype(np.float32)


def score(area: Virtual, engine: SuperResolver) -> dict[str, float]:
    """Figures of a backend against the truth; bicubic is the plain interpolation of all bands."""
    names = {size: [b.band for b in _bands(size)] for size in (10, 20)}
    both = [*names[10], *names[20]]
    if isinstance(engine, Bicubic):
        made = np.concatenate([upsample(area.seen[10], 4), upsample(area.seen[20], 8)])
    else:
        sharp = sharpen(area.seen[20], area.seen[10], psf_mtf(names[20]), psf_mtf(names[10]))
        image = np.concatenate([area.seen[10], sharp])
        made = apply_chain(image, Chain(engine, tuple(both), (10,) * len(both))).image
    made = made[[both.index(b) for b in TEN]]
    inner = (slice(None), slice(_RIM, -_RIM), slice(_RIM, -_RIM))
    a, b = made[inner], area.truth[inner]
    four = [TEN.index(n) for n in OPENSR_BANDS]
    coarse = area.seen[10][[names[10].index(n) for n in OPENSR_BANDS]]
    scores = {name: metric(a, b) for name, metric in METRICS.items()}
    scores |= {f"{n}_rgbn": METRICS[n](a[four], b[four]) for n in ("psnr", "ssim", "sam")}
    return scores | correctness(coarse, made[four], area.truth[four])
