"""From a series of any size to a posterior, window by window."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from bocage.errors import ConfigError
from bocage.grid import GRID_RATIO
from bocage.legend import Legend
from bocage.model._facts import Classifier, Run
from bocage.model._series import check_series, observed, select
from bocage.posterior import DEFAULT_K, Posterior, pack
from bocage.rasters import geobox_of

_Strip = tuple[int, NDArray[np.float32]]


def predict(
    model: Classifier,
    series: xr.Dataset,
    *,
    legend: Legend | None = None,
    window: int = 128,
    overlap: int = 16,
    k: int = DEFAULT_K,
    threads: int | None = None,
) -> Posterior:
    """Classify a series.

    Bands and months are matched by name, so their order in the dataset does not matter.
    Months that the series lacks and months in which a pixel was not seen (``gap`` other than
    0) are not looked at. Windows overlap and are blended with raised cosines, strip by strip:
    memory grows with the width of the series, not with its area.

    Parameters
    ----------
    model
        A model of any engine.
    series
        Series at 2.5 m (see the conventions of `bocage.superres`).
    legend
        When given, it is checked to be the one of the model.
    window, overlap
        Side of a window and least overlap of two, in 10 m pixels.
    k
        Classes kept a pixel.
    threads
        Threads of this process; those of the model's settings by default.

    Returns
    -------
    Posterior
        On the grid of the series; unclassified where no month was seen.

    Raises
    ------
    InputError
        If a band is missing, a month is unknown to the model, or the legend is another one.
    """
    facts = model.facts
    if legend is not None:
        facts.require(legend)
    if overlap < 0 or window <= 2 * overlap or window % 4:
        raise ConfigError(
            f"windows of {window} with an overlap of {overlap} do not fit together",
            remedy="use a multiple of 4 above twice the overlap, such as 128 and 16",
        )
    check_series(series)
    reflectance, gap = select(series, facts.bands, facts.months)
    geobox = geobox_of(series["reflectance"], "the series")
    months = tuple(int(m) for m in reflectance["month"].values)
    run = model.runner(threads or facts.settings.threads)
    shape = (min(k, len(facts.codes)), *reflectance.shape[-2:])
    index, packed = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for top, strip in _strips(run, reflectance, gap, months, (len(facts.codes), window, overlap)):
        rows = slice(top, top + strip.shape[1])
        index[:, rows], packed[:, rows] = pack(strip, shape[0])
    return Posterior.from_packed(index, packed, geobox, facts.legend_id, facts.codes)


def windows(length: int, window: int, overlap: int) -> list[tuple[int, NDArray[np.float32]]]:
    """Starts of evenly spread windows along one axis with their blending weights.

    The weights rise as raised cosines over `overlap` where there is a neighbour.
    """
    window = min(window, length)
    count = 1 if length <= window else math.ceil((length - overlap) / (window - overlap))
    starts = np.rint(np.linspace(0, length - window, count)).astype(int)
    ramp = np.sin(np.pi / 2 * (np.arange(overlap * GRID_RATIO) + 0.5) / (overlap * GRID_RATIO or 1))
    found = []
    for number, start in enumerate(starts):
        weight = np.ones(window * GRID_RATIO, np.float32)
        if number > 0 and overlap:
            weight[: len(ramp)] = ramp**2
        if number < count - 1 and overlap:
            weight[-len(ramp) :] *= (ramp**2)[::-1]
        found.append((int(start), weight))
    return found


def _strips(
    run: Run,
    reflectance: xr.DataArray,
    gap: xr.DataArray,
    months: tuple[int, ...],
    sizes: tuple[int, int, int],
) -> Iterator[_Strip]:
    """Yield finished strips: their first 2.5 m row and blended scores (class, y, x)."""
    classes, window, overlap = sizes
    height, width = (n // GRID_RATIO for n in reflectance.shape[-2:])
    rows, columns = windows(height, window, overlap), windows(width, window, overlap)
    total = np.zeros((classes, len(rows[0][1]), width * GRID_RATIO), np.float32)
    for number, (top, down) in enumerate(rows):
        y = slice(top * GRID_RATIO, top * GRID_RATIO + len(down))
        for left, across in columns:
            x = slice(left * GRID_RATIO, left * GRID_RATIO + len(across))
            seen = observed(gap[:, y, x].values)
            values = np.ascontiguousarray(reflectance[:, :, y, x].values, dtype=np.float32)
            # Filled and missing months are flagged; a NaN that is not flagged is missing too.
            seen &= np.isfinite(values[:, 0, ::GRID_RATIO, ::GRID_RATIO])
            if seen.any():
                scores = run(values, seen, months)
                weight = down[:, None] * across
                weight *= np.repeat(np.repeat(seen.any(axis=0), GRID_RATIO, 0), GRID_RATIO, 1)
                _blend_compiled(total[:, :, x], scores, weight)
        last = number == len(rows) - 1
        done = len(down) if last else (rows[number + 1][0] - top) * GRID_RATIO
        yield y.start, np.ascontiguousarray(total[:, :done])
        total[:, : len(down) - done] = total[:, done:].copy()
        total[:, len(down) - done :] = 0


def _blend(
    total: NDArray[np.float32], scores: NDArray[np.float32], weight: NDArray[np.float32]
) -> None:
    classes, height, width = scores.shape
    for c in range(classes):
        for y in range(height):
            for x in range(width):
                if weight[y, x] > 0:
                    total[c, y, x] += weight[y, x] * scores[c, y, x]


_blend_compiled = njit(cache=True, nogil=True)(_blend)
