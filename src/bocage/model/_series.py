"""Series as arrays in the order a model wants; everything is matched by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.grid import GRID_RATIO


def check_series(series: xr.Dataset, what: str = "the series") -> None:
    """Raise an `InputError` unless a dataset is a series at 2.5 m."""
    for name, dims in (
        ("reflectance", ("month", "band", "y", "x")),
        ("gap", ("month", "y", "x")),
    ):
        if name not in series or series[name].dims != dims:
            raise InputError(
                f"{what} has no variable '{name}' with dims ({', '.join(dims)})",
                remedy="give what superres made of a mosaic",
            )
    for dim in ("month", "band"):
        if dim not in series.coords:
            raise InputError(
                f"{what} does not name its {dim}s", remedy=f"give it a coordinate '{dim}'"
            )
        names = [str(v) for v in series[dim].values]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise InputError(
                f"{what} has {dim} {', '.join(twice)} twice", remedy="keep one of them"
            )
    height, width = series.sizes["y"], series.sizes["x"]
    if height % GRID_RATIO or width % GRID_RATIO or not height or not width:
        raise InputError(
            f"{what} has {height} × {width} pixels, which is no multiple of {GRID_RATIO}",
            remedy="give a 2.5 m grid made of whole 10 m pixels",
        )


def band_names(series: xr.Dataset) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names and native resolutions of the bands, finest first, then by name.

    Returns
    -------
    tuple
        Names and resolutions in metres; without a coordinate ``resolution`` all are 10 m.
    """
    names = [str(b) for b in series["band"].values]
    if "resolution" in series.coords:
        metres = [int(r) for r in np.broadcast_to(series["resolution"].values, len(names))]
    else:
        metres = [10] * len(names)
    order = sorted(zip(metres, names, strict=True))
    return tuple(n for _, n in order), tuple(m for m, _ in order)


def month_numbers(series: xr.Dataset) -> tuple[int, ...]:
    """Months of a series, rising; an `InputError` when one is no month of the year."""
    months = tuple(int(m) for m in series["month"].values)
    if bad := [m for m in months if not 1 <= m <= 12]:
        raise InputError(f"the series has a month {bad[0]}", remedy="months are numbers 1 to 12")
    return tuple(sorted(months))


def select(
    series: xr.Dataset, bands: Sequence[str], months: Sequence[int]
) -> tuple[xr.DataArray, xr.DataArray]:
    """Reflectance and gap of named bands and months in the order asked for.

    Months that the series lacks are left out: what a model does not see it does not use.

    Returns
    -------
    tuple
        ``reflectance`` (month, band, y, x) and ``gap`` (month, y, x).

    Raises
    ------
    InputError
        If a band is missing, a month is not among those asked for, or none is left.
    """
    here = [str(b) for b in series["band"].values]
    if missing := [b for b in bands if b not in here]:
        raise InputError(
            f"band {', '.join(missing)} is missing; the series has {', '.join(here)}",
            remedy="read the bands that the model was trained with",
        )
    given = month_numbers(series)
    if unknown := [m for m in given if m not in months]:
        raise InputError(
            f"month {', '.join(map(str, unknown))} is unknown to the model, which was trained "
            f"with {', '.join(map(str, months))}",
            remedy="train with these months too, or leave them out of the series",
        )
    kept = [m for m in months if m in given]
    if not kept:
        raise InputError("the series has no month", remedy="give at least one month")
    columns = {str(b): i for i, b in enumerate(series["band"].values)}
    rows = {int(m): i for i, m in enumerate(series["month"].values)}
    at = [rows[m] for m in kept]
    reflectance = series["reflectance"].isel(month=at, band=[columns[b] for b in bands])
    return reflectance, series["gap"].isel(month=at)


def observed(gap: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Where a month was really seen, at 10 m, from gap flags at 2.5 m (month, y, x)."""
    seen: NDArray[np.bool_] = np.asarray(gap)[:, ::GRID_RATIO, ::GRID_RATIO] == 0
    return seen
