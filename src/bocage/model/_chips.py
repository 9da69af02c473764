"""Training data: small cut-outs of a series around labelled points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.grid import GRID_RATIO
from bocage.legend import Legend
from bocage.model._series import band_names, check_series, month_numbers, observed, select
from bocage.model._settings import CHIP_PX
from bocage.rasters import geobox_of

_COLUMNS = ("sample_id", "code", "allowed", "weight", "fold")


@dataclass(frozen=True, eq=False)
class Chips:
    """Cut-outs of a series and the labelled 2.5 m pixels in them.

    A chip has c pixels of 10 m a side. Labels are few, so each is a row of its own instead of a
    raster: `chip`, `row`, `column` say where it lies, `label` which set of classes it allows.

    Attributes
    ----------
    legend_id, codes
        Legend and its leaf codes in order.
    bands, resolutions, months
        Names of the bands with their native resolutions in metres, and months of the year.
    reflectance
        float16 (chip, month, band, 4c, 4c), unit 1, NaN where there is nothing.
    observed
        bool (chip, month, c, c): the month was seen (not filled in, not missing).
    chip, row, column
        int32 (label,): chip and 2.5 m pixel of each label.
    label
        int32 (label,): row of `sets`.
    weight
        float32 (label,).
    fold
        int16 (label,): spatial fold.
    sample_id
        str (label,).
    sets
        bool (set, class): leaves that a label allows.
    """

    legend_id: str
    codes: tuple[int, ...]
    bands: tuple[str, ...]
    resolutions: tuple[int, ...]
    months: tuple[int, ...]
    reflectance: NDArray[np.float16]
    observed: NDArray[np.bool_]
    chip: NDArray[np.int32]
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    label: NDArray[np.int32]
    weight: NDArray[np.float32]
    fold: NDArray[np.int16]
    sample_id: NDArray[np.str_]
    sets: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of chips."""
        return len(self.reflectance)

    @property
    def labels(self) -> int:
        """Number of labelled pixels."""
        return len(self.label)

    @property
    def chip_px(self) -> int:
        """Side of a chip in 10 m pixels."""
        return int(self.observed.shape[-1])

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Leaves that each label allows, bool (label, class)."""
        found: NDArray[np.bool_] = self.sets[self.label]
        return found

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Whether the pixel of each label was seen in any month, bool (label,)."""
        any_month = np.asarray(self.observed.any(axis=1))
        found: NDArray[np.bool_] = any_month[
            self.chip, self.row // GRID_RATIO, self.column // GRID_RATIO
        ]
        return found

    def pick(self, keep: NDArray[np.bool_]) -> Chips:
        """Chips with some of the labels only; the cut-outs stay."""
        names = ("chip", "row", "column", "label", "weight", "fold", "sample_id")
        return replace(self, **{name: getattr(self, name)[keep] for name in names})

    def require(self, legend: Legend) -> None:
        """Raise an `InputError` unless the chips were cut with `legend`."""
        if self.legend_id != legend.id or self.codes != legend.codes():
            raise InputError(
                f"the chips were cut with the legend '{self.legend_id}' of {len(self.codes)} "
                f"classes, not with '{legend.id}' of {len(legend)}",
                remedy="cut them again",
            )

    def save(self, path: Path | str) -> Path:
        """Write an npz file, see `bocage.model.save_chips`."""
        from bocage.model._store import save_chips

        return save_chips(self, path)


def cut_chips(
    series: xr.Dataset, samples: gpd.GeoDataFrame, legend: Legend, chip_px: int = CHIP_PX
) -> Chips:
    """Cut training chips out of a series.

    The array is laid out in squares of half a chip; each square with samples gives one chip
    around it, moved inwards at the rim. So every sample belongs to exactly one chip and has a
    quarter of a chip around it, but at the rim of the array.

    Parameters
    ----------
    series
        Series at 2.5 m (see the conventions of `bocage.superres`).
    samples
        Table of `bocage.samples` in the CRS of the series, all inside it.
    legend
        Legend of the codes in ``code`` and ``allowed``.
    chip_px
        Side of a chip in 10 m pixels; smaller when the series is.

    Returns
    -------
    Chips
        Bands are ordered finest first, months rising.

    Raises
    ------
    InputError
        If the series or the table is not what it must be, a sample lies outside, or a code
        is not in the legend.
    """
    check_series(series)
    check_samples(samples)
    bands, resolutions = band_names(series)
    months = month_numbers(series)
    reflectance, gap = select(series, bands, months)
    row, column = _pixels(series, samples)
    seen = observed(gap.values)
    side = min(chip_px, *seen.shape[1:])
    corners, chip = _layout(row, column, seen.shape[1:], side)
    shape = (len(corners), len(months), len(bands), side * GRID_RATIO, side * GRID_RATIO)
    cut = np.empty(shape, np.float16)
    seen_cut = np.empty((len(corners), len(months), side, side), bool)
    for number, (y, x) in enumerate(corners):
        window = [slice(v * GRID_RATIO, (v + side) * GRID_RATIO) for v in (y, x)]
        cut[number] = reflectance[:, :, window[0], window[1]].values
        seen_cut[number] = seen[:, y : y + side, x : x + side]
    sets, label = _sets(samples, legend)
    origin = np.asarray(corners, np.int32).reshape(-1, 2)[chip] * GRID_RATIO
    return Chips(
        legend_id=legend.id,
        codes=legend.codes(),
        bands=bands,
        resolutions=resolutions,
        months=months,
        reflectance=cut,
        observed=seen_cut & np.isfinite(cut[:, :, 0, ::GRID_RATIO, ::GRID_RATIO]),
        chip=chip.astype(np.int32),
        row=(row - origin[:, 0]).astype(np.int32),
        column=(column - origin[:, 1]).astype(np.int32),
        label=label,
        weight=samples["weight"].to_numpy(np.float32),
        fold=samples["fold"].to_numpy(np.int16),
        sample_id=samples["sample_id"].to_numpy(str),
        sets=sets,
    )


def concatenate(parts: Sequence[Chips]) -> Chips:
    """Put chips of several blocks or years together.

    Months that a part lacks are there as not observed.

    Raises
    ------
    InputError
        If there is nothing, or legends, bands or sizes differ.
    """
    if not parts:
        raise InputError("there are no chips", remedy="draw samples inside the images")
    first = parts[0]
    months = tuple(sorted({m for part in parts for m in part.months}))
    for part in parts[1:]:
        for name in ("legend_id", "codes", "bands", "resolutions", "chip_px"):
            if getattr(part, name) != getattr(first, name):
                raise InputError(
                    f"chips differ in {name}: {getattr(first, name)} and {getattr(part, name)}",
                    remedy="cut all of them with the same bands, legend and chip size",
                )
    parts = [_with_months(part, months) for part in parts]
    chip_start = np.cumsum([0] + [len(part) for part in parts])
    set_start = np.cumsum([0] + [len(part.sets) for part in parts])
    sets, renamed = np.unique(
        np.concatenate([part.sets for part in parts]), axis=0, return_inverse=True
    )
    joined: dict[str, Any] = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Chips)
        if isinstance(getattr(first, field.name), np.ndarray) and field.name != "sets"
    }
    for name, start in (("chip", chip_start), ("label", set_start)):
        shifted = [getattr(part, name) + start[i] for i, part in enumerate(parts)]
        joined[name] = np.concatenate(shifted).astype(np.int32)
    joined["label"] = renamed.reshape(-1)[joined["label"]].astype(np.int32)
    return replace(first, months=months, sets=sets, **joined)


def check_samples(samples: gpd.GeoDataFrame) -> None:
    """Raise an `InputError` unless a table has the columns that training needs."""
    if missing := [c for c in _COLUMNS if c not in samples]:
        raise InputError(
            f"the samples have no column {', '.join(missing)}",
            remedy="give a table that bocage.samples has drawn",
        )


def _pixels(
    series: xr.Dataset, samples: gpd.GeoDataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each sample."""
    box = geobox_of(series["reflectance"], "the series")
    if samples.crs is None or samples.crs != str(box.crs):
        raise InputError(
            f"the samples have the CRS {samples.crs}, the series {box.crs}",
            remedy="reproject the samples",
        )
    column, row = ~box.affine @ (samples.geometry.x.to_numpy(), samples.geometry.y.to_numpy())
    row, column = (np.floor(np.asarray(v)).astype(np.int64) for v in (row, column))
    inside = (row >= 0) & (row < box.shape.y) & (column >= 0) & (column < box.shape.x)
    if not inside.all():
        raise InputError(
            f"{int((~inside).sum())} samples lie outside the series, the first is "
            f"{samples['sample_id'].to_numpy()[~inside][0]}",
            remedy="cut chips with the samples of the same block",
        )
    return row, column


def _layout(
    row: NDArray[np.int64], column: NDArray[np.int64], shape: tuple[int, ...], side: int
) -> tuple[list[tuple[int, int]], NDArray[np.intp]]:
    """Upper left corners of the chips in 10 m pixels, and the chip of each sample."""
    # Two thirds: samples keep a sixth of a chip as surroundings, and chips share few pixels.
    step = max(2 * side // 3, 1)
    cells = np.stack([row, column], axis=1) // (GRID_RATIO * step)
    used, chip = np.unique(cells, axis=0, return_inverse=True)
    margin = (side - step) // 2
    limit = np.array(shape[-2:]) - side
    corners = np.clip(used * step - margin, 0, limit)
    return [(int(y), int(x)) for y, x in corners], chip.reshape(-1)


def _sets(samples: gpd.GeoDataFrame, legend: Legend) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Distinct sets of allowed classes, and the set of each sample."""
    texts = [
        str(int(code)) if not allowed.strip() else allowed
        for code, allowed in zip(
            samples["code"], samples["allowed"].fillna("").astype(str), strict=True
        )
    ]
    distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    sets = np.zeros((len(distinct), len(legend)), bool)
    for text, i in distinct.items():
        for code in text.split(";"):
            sets[i, legend.index(int(code)) - 1] = True
    label = np.array([distinct[text] for text in texts], np.int32)
    return sets, label


def _with_months(chips: Chips, months: tuple[int, ...]) -> Chips:
    if chips.months == months:
        return chips
    at = [months.index(m) for m in chips.months]
    shape = (len(chips), len(months), *chips.reflectance.shape[2:])
    reflectance = np.full(shape, np.nan, np.float16)
    seen = np.zeros((len(chips), len(months), *chips.observed.shape[2:]), bool)
    reflectance[:, at], seen[:, at] = chips.reflectance, chips.observed
    return replace(chips, months=months, reflectance=reflectance, observed=seen)
