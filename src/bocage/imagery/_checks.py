"""Whether images and mosaics are what the settings ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pystac
import xarray as xr

from bocage.errors import InputError, RunError
from bocage.imagery._angles import sun_of, view_of
from bocage.imagery._bands import moment
from bocage.imagery._settings import MONTH_NAMES, ImagerySettings, window
from bocage.rasters import geobox_of


def observed_months(mosaic: xr.Dataset) -> tuple[int, ...]:
    """Months of a mosaic that have a clear observation anywhere."""
    seen = (mosaic["valid"] > 0).any(("y", "x"))
    return tuple(int(m) for m in mosaic["month"].values[seen.values])


def check_mosaic(mosaic: xr.Dataset, settings: ImagerySettings, *, what: str = "mosaic") -> None:
    """Check that a mosaic is what the settings ask for and that it holds anything at all.

    Parameters
    ----------
    mosaic
        As `monthly_mosaic` gives it, perhaps read back from a file.
    settings
        What it must be.
    what
        Name of the block, for the message.

    Raises
    ------
    InputError
        If bands or months differ from the settings, in kind or order, or it has no grid.
    RunError
        If no pixel was observed clear in any month.
    """
    missing = {"reflectance", "valid", "gap"} - set(mosaic.data_vars)
    if missing:
        raise InputError(f"{what} is no mosaic: it lacks {', '.join(sorted(missing))}")
    geobox_of(mosaic["reflectance"], what)
    bands = tuple(str(b) for b in mosaic["band"].values)
    if bands != settings.bands:
        raise InputError(
            f"{what} has the bands {', '.join(bands)}, not {', '.join(settings.bands)}",
            remedy="make the mosaic again with these settings",
        )
    months = tuple(int(m) for m in mosaic["month"].values)
    expected = tuple(s.month for s in window(settings, int(mosaic.attrs.get("year", 0))))
    if months != expected:
        raise InputError(
            f"{what} has the months {months}, not {expected}",
            remedy="make the mosaic again with these settings",
        )
    if not (mosaic["valid"].values > 0).any():
        raise RunError(
            f"{what}: no clear observation in any month, all cloud or outside the images",
            remedy="use more images (imagery.years_around, imagery.max_cloud_cover), look at the "
            "cloud mask, or leave this area out of the sites",
        )


def require_observed(
    observed: Iterable[Sequence[int]], settings: ImagerySettings, year: int
) -> None:
    """Check that every month was seen clear somewhere in the area.

    Parameters
    ----------
    observed
        What `observed_months` gives, for each block of the area.
    settings, year
        Months that must be there; nothing is checked with ``allow_missing_months``.

    Raises
    ------
    InputError
        Naming the months without any clear observation in the whole area.
    """
    seen = {month for months in observed for month in months}
    lost = [slot for slot in window(settings, year) if slot.month not in seen]
    if lost and not settings.allow_missing_months:
        raise InputError(
            f"no clear observation in the whole area in: {', '.join(str(s) for s in lost)}",
            remedy=_months_remedy([s.month for s in lost]),
        )


def require_months(items: Iterable[pystac.Item], settings: ImagerySettings, year: int) -> None:
    """Check that every month of the window has an image.

    Raises
    ------
    InputError
        Naming the months without one; nothing is checked with ``allow_missing_months``.
    """
    there = {(moment(i).year, moment(i).month) for i in items}
    lost = [s for s in window(settings, year) if not any(t in s for t in there)]
    if lost and not settings.allow_missing_months:
        raise InputError(
            f"no image in: {', '.join(str(s) for s in lost)}",
            remedy=_months_remedy([s.month for s in lost]),
        )


def require_angles(items: Iterable[pystac.Item], settings: ImagerySettings) -> None:
    """Check that every item says where sun and satellite stood, as far as the settings need it.

    Raises
    ------
    InputError
        Naming the first item that does not.
    """
    for item in items:
        if settings.illumination != "none" or settings.brdf != "none":
            sun_of(item)
        if settings.brdf != "none":
            view_of(item)


def _months_remedy(lost: Sequence[int]) -> str:
    names = ", ".join(f"{m} ({MONTH_NAMES[m - 1]})" for m in lost)
    return (
        f"add images, leave {names} out of imagery.months, pool years with imagery.years_around, "
        "or set imagery.allow_missing_months: true (the gap is then filled in and marked)"
    )
