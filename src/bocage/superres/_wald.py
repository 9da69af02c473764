"""Backends judged on one image: degraded and brought back, and at its native pixels."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.superres._backends import SuperResolver
from bocage.superres._bicubic import FACTOR, Bicubic, upsample
from bocage.superres._chain import Chain, apply_chain
from bocage.superres._native import find_cells
from bocage.superres._opensr import BORDER, consistency, correctness
from bocage.superres._psf import degrade, psf_mtf
from bocage.superres._quality import METRICS, rmse, sam, sre
from bocage.superres._sharpen import fixed_weights, sharpen

OPENSR_BANDS = ("B04", "B03", "B02", "B08")
"""Bands, and their order, that the metrics of opensr-test are taken on."""

_LEAST = 64  # pixels a side of the smallest image that can be judged
_TEN, _TWENTY = 10, 20

Scores = dict[str, float]


@dataclass(frozen=True, eq=False)
class Subject:
    """An image to judge backends on.

    Attributes
    ----------
    image
        float32 (band, y, x) reflectance at 10 m without NaN, 20 m bands sharpened.
    bands
        Names of the bands.
    psf_mtf
        Modulation transfers that replace those of the table.
    seen_mtf
        Transfer that all bands are degraded with while the backends believe `psf_mtf`: how
        much a wrong belief costs. None: both are the same.
    """

    image: NDArray[np.float32]
    bands: tuple[str, ...]
    psf_mtf: Mapping[str, float] = field(default_factory=dict)
    seen_mtf: float | None = None

    def __post_init__(self) -> None:
        if min(self.image.shape[1:]) < _LEAST:
            raise InputError(
                f"an image of {self.image.shape[1:]} pixels is too small to judge on",
                remedy=f"give at least {_LEAST} pixels a side",
            )
        if not np.isfinite(self.image).all():
            raise InputError(
                "an image with nodata cannot be judged on", remedy="cut out a part without"
            )

    def even(self) -> NDArray[np.float32]:
        """The image cut to whole coarse pixels."""
        rows, columns = (n - n % FACTOR for n in self.image.shape[1:])
        return self.image[:, :rows, :columns]

    def order(self) -> list[int]:
        """Positions of the bands of opensr-test; empty when one is missing."""
        there = all(b in self.bands for b in OPENSR_BANDS)
        return [self.bands.index(b) for b in OPENSR_BANDS] if there else []


def _plain(
    engine: SuperResolver, image: NDArray[np.float32], subject: Subject
) -> NDArray[np.float32]:
    """The chain without sharpening; of bicubic nothing but the interpolation: the baseline."""
    if isinstance(engine, Bicubic):
        return upsample(image)
    chain = Chain(engine, subject.bands, (_TEN,) * len(subject.bands), subject.psf_mtf)
    return apply_chain(image, chain).image


def reduced_scale(subject: Subject, engine: SuperResolver) -> Scores:
    """Figures of a backend by Wald's protocol, 40 m to 10 m.

    Returns
    -------
    dict
        psnr, ssim, sam, ergas, sre and rmse over all bands; with the suffix ``_rgbn`` psnr,
        ssim and sam over the four 10 m bands, ``psnr_rgb`` over the visible ones; the metrics of
        opensr-test over the four; and ``km2_per_s``, ground at the pixels of the result taken
        as 2.5 m.
    """
    truth = subject.even()
    believed = psf_mtf(subject.bands, subject.psf_mtf)
    seen = believed if subject.seen_mtf is None else (subject.seen_mtf,) * len(believed)
    coarse = degrade(truth, seen)
    began = time.process_time()
    made = _plain(engine, coarse, subject)
    spent = time.process_time() - began
    a, b = (i[:, BORDER:-BORDER, BORDER:-BORDER] for i in (made, truth))
    scores = {name: metric(a, b) for name, metric in METRICS.items()}
    four = subject.order()
    if four:
        scores |= {f"{name}_rgbn": METRICS[name](a[four], b[four]) for name in _SHORT}
        scores["psnr_rgb"] = METRICS["psnr"](a[four[:3]], b[four[:3]])
        scores |= consistency(coarse[four], made[four])
        scores |= correctness(coarse[four], made[four], truth[four])
    ground = coarse[0].size * (_TEN / 1000) ** 2
    return {**scores, "km2_per_s": ground / max(spent, 1e-9)}


_SHORT = ("psnr", "ssim", "sam")


def native_scale(subject: Subject, engine: SuperResolver) -> Scores:
    """Consistency of opensr-test at the native pixels, 10 m to 2.5 m, and the speed."""
    began = time.process_time()
    made = _plain(engine, subject.image, subject)
    spent = time.process_time() - began
    four = subject.order() or list(range(len(subject.bands)))
    ground = subject.image[0].size * (_TEN / 1000) ** 2
    found = consistency(subject.image[four], made[four])
    return {**found, "km2_per_s": ground / max(spent, 1e-9)}


def sharpening(
    image: NDArray[np.float32], bands: tuple[str, ...], native: tuple[int, ...]
) -> dict[str, Scores]:
    """Figures of the sharpening of the 20 m bands by Wald's protocol, 40 m to 20 m.

    Parameters
    ----------
    image
        float32 (band, y, x) at 10 m without NaN, 20 m bands as delivered (repeated pixels).
    bands, native
        Names, and pixel sizes of the sensor in metres.

    Returns
    -------
    dict
        rmse, sre and sam of ``bicubic``, of ``sharpen`` with weights of the image and, where there
        are some, with the fixed ones; empty without 10 m or 20 m bands.
    """
    coarse = [i for i, size in enumerate(native) if size == _TWENTY]
    guides = [i for i, size in enumerate(native) if size == _TEN]
    if not coarse or not guides:
        return {}
    cells = find_cells(image[coarse])
    inner = image[:, cells.row :, cells.column :]
    rows, columns = (n - n % FACTOR for n in inner.shape[1:])
    inner = inner[:, :rows, :columns]
    low, high = (psf_mtf([bands[i] for i in chosen]) for chosen in (coarse, guides))
    truth = inner[coarse].reshape(len(coarse), rows // 2, 2, columns // 2, 2).mean(axis=(2, 4))
    seen, guide = degrade(truth, low, 2), degrade(inner[guides], high, 2)
    rim = BORDER // 2
    target = truth[:, rim:-rim, rim:-rim]
    found: dict[str, Scores] = {}
    ways = {"bicubic": upsample(seen, 2), "sharpen": sharpen(seen, guide, low, high)}
    weights = fixed_weights(*(tuple(bands[i] for i in chosen) for chosen in (coarse, guides)))
    if weights is not None:
        ways["sharpen, fixed weights"] = sharpen(seen, guide, low, high, weights=weights)
    for name, made in ways.items():
        own = made[:, rim:-rim, rim:-rim]
        found[name] = {"rmse": rmse(own, target), "sre": sre(own, target), "sam": sam(own, target)}
    return found
