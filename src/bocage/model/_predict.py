"""From a series of any size to a posterior, window by window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bocage.errors import ConfigError, InputError
from bocage.grid import GRID_RATIO
from bocage.legend import Legend
from bocage.model._alike import BESIDE, average_alike, sharpen
from bocage.model._facts import Answer, Classifier, Facts
from bocage.model._pixels import Pixels, look_at
from bocage.model._place import in_order, layer_names, place_at
from bocage.model._scales import REACH, Look, look, spread
from bocage.model._series import check_series, observed, select
from bocage.posterior import DEFAULT_K, Posterior, pack
from bocage.rasters import geobox_of

_CHUNK = 4096  # pixels that are classified in one go


def predict(
    model: Classifier,
    series: xr.Dataset,
    *,
    legend: Legend | None = None,
    place: xr.DataArray | None = None,
    window: int = 96,
    k: int = DEFAULT_K,
    average: bool = True,
    threads: int | None = None,
) -> Posterior:
    """Classify a series.

    Bands and months are matched by name, so their order in the dataset does not matter.
    Months that the series lacks and months in which a pixel was not seen (``gap`` other than
    0) are filled in time. Probabilities are averaged over like pixels around (`average`). Each
    window is read with all that its pixels look at, so the result does not depend on the
    windows; memory is that of a window and of the result.

    Parameters
    ----------
    model
        A model of any engine.
    series
        Series at 2.5 m (see the conventions of `bocage.superres`).
    legend
        When given, it is checked to be the one of the model.
    place
        Shares of regions and terrain, dims (layer, y, x), for a model that was trained with
        them; it is interpolated, so a coarse raster that covers the series is enough.
    window
        Side of a window in 10 m pixels.
    k
        Classes kept a pixel.
    average
        Average over the pixels around that had a like year, see `bocage.model._alike`.
    threads
        Threads of this process; those of the model's settings by default.

    Returns
    -------
    Posterior
        On the grid of the series; unclassified where no month was seen.

    Raises
    ------
    InputError
        If a band is missing, a month or a layer is unknown to the model, or the legend differs.
    """
    facts = model.facts
    if legend is not None:
        facts.require(legend)
    if window < 1:
        raise ConfigError(f"windows of {window} pixels", remedy="use 1 or more, such as 96")
    check_series(series)
    reflectance, gap = select(series, facts.bands, facts.months)
    geobox = geobox_of(series["reflectance"], "the series")
    at = [facts.months.index(int(m)) for m in reflectance["month"].values]
    layers = _layers(series, place, facts.layers)
    run = model.runner(threads or facts.settings.threads)
    shape = (min(k, len(facts.codes)), *reflectance.shape[-2:])
    index, packed = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    epistemic: NDArray[np.uint8] | None = None
    for top in range(0, shape[1] // GRID_RATIO, window):
        for left in range(0, shape[2] // GRID_RATIO, window):
            pane = _Pane.around((top, left), window, gap.shape[1:])
            seen = _look(reflectance, gap, pane, at, len(facts.months), layers)
            if seen.seen.any():
                y, x = pane.fine
                scores, doubt = _said(run(seen), seen, facts, average)
                index[:, y, x], packed[:, y, x] = pack(scores[:, *pane.kept], shape[0])
                if doubt is not None:
                    if epistemic is None:
                        epistemic = np.zeros(shape[1:], np.uint8)
                    epistemic[y, x] = np.rint(255 * doubt[pane.kept])
    return Posterior.from_packed(
        index, packed, geobox, facts.legend_id, facts.codes, epistemic=epistemic
    )


def predict_pixels(
    model: Classifier, pixels: Pixels, *, threads: int | None = None
) -> NDArray[np.float32]:
    """Classify single pixels, such as those under points; nothing is averaged over neighbours.

    Parameters
    ----------
    model
        A model of any engine.
    pixels
        Read with the bands of the model.
    threads
        Threads of this process; those of the model's settings by default.

    Returns
    -------
    numpy.ndarray
        float32 (pixel, class), NaN where no month was seen.

    Raises
    ------
    InputError
        If the legend, the bands or the layers are others, or a month is unknown to the model.
    """
    facts = model.facts
    given = (pixels.legend_id, pixels.codes, pixels.bands)
    if given != (facts.legend_id, facts.codes, facts.bands):
        raise InputError(
            "the pixels have another legend or other bands than the model",
            remedy="read them again with those that the model was trained with",
        )
    if unknown := [m for m in pixels.months if m not in facts.months]:
        raise InputError(f"month {unknown[0]} is unknown to the model", remedy="leave it out")
    at = [facts.months.index(m) for m in pixels.months]
    run = model.runner(threads or facts.settings.threads)
    found = np.full((len(pixels), len(facts.codes)), np.nan, np.float32)
    for first in range(0, len(pixels), _CHUNK):
        part = pixels.pick(np.arange(first, min(first + _CHUNK, len(pixels))))
        known = part.observed.any(axis=1)
        place = in_order(part.place.T[:, None], part.layers, facts.layers)
        said = run(look_at(part, at, len(facts.months), place))
        scores = said.probability[:, 0, ::GRID_RATIO].T
        found[first : first + len(part)][known] = scores[known]
    return found


@dataclass(frozen=True)
class _Pane:
    """A window of a series, rows and columns each.

    Attributes
    ----------
    read
        Pixels of 2.5 m that are read.
    scored
        Pixels of 10 m, in what is read, that are classified.
    kept
        Pixels of 2.5 m, in what is classified, that are kept.
    fine
        The same pixels in the series.
    """

    read: tuple[slice, ...]
    scored: tuple[slice, ...]
    kept: tuple[slice, ...]
    fine: tuple[slice, ...]

    @classmethod
    def around(cls, corner: tuple[int, int], window: int, shape: tuple[int, ...]) -> _Pane:
        """The window from a corner, in pixels of 10 m, of a series with a shape in 2.5 m."""
        sides = [
            _side(start, window, length // GRID_RATIO)
            for start, length in zip(corner, shape, strict=True)
        ]
        return cls(*zip(*sides, strict=True))


def _side(start: int, window: int, length: int) -> tuple[slice, slice, slice, slice]:
    """Rows or columns of a `_Pane`."""
    stop = min(start + window, length)
    first, last = max(start - BESIDE, 0), min(stop + BESIDE, length)
    low, high = max(first - REACH, 0), min(last + REACH, length)
    return (
        slice(GRID_RATIO * low, GRID_RATIO * high),
        slice(first - low, last - low),
        slice(GRID_RATIO * (start - first), GRID_RATIO * (stop - first)),
        slice(GRID_RATIO * start, GRID_RATIO * stop),
    )


def _look(
    reflectance: xr.DataArray,
    gap: xr.DataArray,
    pane: _Pane,
    at: list[int],
    months: int,
    layers: NDArray[np.float32],
) -> Look:
    """A window at all scales with all months of the model; `at` says which of them are here."""
    y, x = pane.read
    values = reflectance[:, :, y, x].values.astype(np.float32, copy=False)
    seen = spread(observed(gap[:, y, x].values), at, months, axis=0)
    rows, columns = (
        slice(read.start // GRID_RATIO + part.start, read.start // GRID_RATIO + part.stop)
        for read, part in zip(pane.read, pane.scored, strict=True)
    )
    inner = (pane.scored[0], pane.scored[1])
    return look(spread(values, at, months, axis=0), seen, inner, layers[:, rows, columns])


def _layers(
    series: xr.Dataset, place: xr.DataArray | None, wanted: tuple[str, ...]
) -> NDArray[np.float32]:
    """Layers of a model at 10 m, (layer, y, x)."""
    given = layer_names(place)
    y, x = (series[name].coarsen({name: GRID_RATIO}).mean() for name in ("y", "x"))
    return in_order(place_at(place, y, x), given, wanted)


def _said(
    answer: Answer, seen: Look, facts: Facts, average: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Probabilities (class, 4y, 4x) and epistemic share (4y, 4x) of a window, averaged."""
    # Only what can be mapped is averaged: most legends have more classes than an area.
    present = [i for i, code in enumerate(facts.codes) if code not in facts.absent]
    parts = [answer.probability[present]]
    if answer.epistemic is not None:
        parts.append(answer.epistemic[None])
    visible = np.asarray(seen.seen.any(axis=0))
    guide = facts.guide if average else ()
    found = average_alike(np.concatenate(parts), seen.near, visible, guide)
    scores = np.zeros_like(answer.probability)
    scores[present] = found[: len(present)]
    if guide:
        scores = sharpen(scores)
    return scores, None if answer.epistemic is None else found[-1]
