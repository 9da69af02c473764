"""Mosaics and single images at 2.5 m."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.rasters import geobox_of, wrap
from bocage.superres._backends import SuperResolver, get_backend
from bocage.superres._bicubic import FACTOR, repeat
from bocage.superres._chain import (
    STEPS,
    Chain,
    apply_chain,
    check_image,
    for_series,
    is_ten_metres,
)
from bocage.superres._flags import EMPTY, SHARPENED, image_flags, is_sharpened
from bocage.superres._frames import put_frames
from bocage.superres._native import native_sizes
from bocage.superres._psf import check_bands

_DIMS = ("month", "band", "y", "x")
_WARNING = "looks sharpened already and will come out over-sharpened"

_log = logging.getLogger(__name__)


def fine_geobox(geobox: GeoBox) -> GeoBox:
    """The same ground with pixels of a quarter of the size."""
    rows, columns = geobox.shape
    a, b, west, d, e, north = geobox.affine[:6]
    affine = Affine(a / FACTOR, b / FACTOR, west, d / FACTOR, e / FACTOR, north)
    return GeoBox((FACTOR * rows, FACTOR * columns), affine, geobox.crs)


def superresolve(
    mosaic: xr.Dataset,
    backend: str | SuperResolver = "default",
    *,
    psf_mtf: Mapping[str, float] | None = None,
    steps: int = STEPS,
    frames: xr.Dataset | None = None,
) -> xr.Dataset:
    """Bring a mosaic to 2.5 m, month by month.

    Parameters
    ----------
    mosaic
        As `bocage.imagery.monthly_mosaic` gives it. The coordinate ``resolution`` says which
        bands were 20 m; without it their names do.
    backend
        Name of a backend, or one.
    psf_mtf
        Modulation transfer at Nyquist of bands that differ from the table of the package.
    steps
        Corrections by back-projection through the point spread.
    frames
        The dates of the months, as `bocage.imagery.monthly_frames` gives them. Where they show
        the ground, each is super-resolved by itself, put where it lies and composited; elsewhere,
        and without them, the months of the mosaic are super-resolved.

    Returns
    -------
    xarray.Dataset
        The series: the variables and coordinates of the mosaic on the 2.5 m grid;
        ``valid`` and ``gap`` are repeated. Without `frames`, seen through the point spread of its
        band (with ``bicubic``: averaged over each 4 × 4 block) ``reflectance`` is the mosaic
        again, the 20 m bands sharpened to 10 m. Attribute ``backend`` names the backend that was
        used, ``superres_note`` says what did not go the usual way, ``flags`` (JSON, by month)
        what is doubtful about a month of the mosaic: see `image_flags`, and ``not observed``
        where more than half of it was filled in.

    Raises
    ------
    InputError
        If it is no mosaic, or the backend gives something that is no super-resolved image.
    ConfigError
        If there is no such backend, or `psf_mtf` names a band that is not there or a value out
        of range.
    """
    missing = {"reflectance", "valid", "gap"} - set(mosaic.data_vars)
    if missing:
        raise InputError(f"no mosaic: it lacks {', '.join(sorted(missing))}")
    engine = get_backend(backend) if isinstance(backend, str) else backend
    coarse = mosaic["reflectance"].transpose(*_DIMS)
    geobox = fine_geobox(geobox_of(coarse, "the mosaic"))
    bands = tuple(str(b) for b in coarse["band"].values)
    check_bands(psf_mtf, bands)
    native = native_sizes(bands)
    if "resolution" in mosaic.coords:
        native = tuple(int(r) for r in mosaic["resolution"].values)
    chain = Chain(engine, bands, native, dict(psf_mtf or {}), steps, blocks=True)
    bound = for_series(coarse.values, chain)
    months, count, rows, columns = coarse.shape
    fine = np.empty((months, count, FACTOR * rows, FACTOR * columns), dtype=np.float32)
    notes: list[str] = []
    flags = {}
    for month in range(months):
        image = np.ascontiguousarray(coarse[month].values, dtype=np.float32)
        check_image(image, bands)
        doubts = _doubts(image, bands, mosaic["gap"].isel(month=month).values)
        if doubts:
            flags[int(mosaic["month"].values[month])] = doubts
        made = apply_chain(image, bound)
        fine[month] = made.image
        notes += made.notes
    if frames is not None:
        notes += put_frames(fine, frames, coarse["month"].values, bands, geobox, chain)
    if odd := [month for month, doubts in flags.items() if SHARPENED in doubts]:
        _log.warning("month %s of the mosaic %s", ", ".join(map(str, odd)), _WARNING)
    labels = {"month": mosaic["month"].values}
    series = xr.Dataset(
        {
            "reflectance": wrap(fine, geobox, dims=_DIMS, **labels, band=mosaic["band"].values),
            **{
                name: wrap(
                    repeat(mosaic[name].transpose("month", "y", "x").values),
                    geobox,
                    dims=("month", "y", "x"),
                    **labels,
                )
                for name in ("valid", "gap")
            },
        },
        attrs={**mosaic.attrs, **_named(engine, notes), "flags": json.dumps(flags)},
    )
    series["reflectance"].attrs = dict(mosaic["reflectance"].attrs)
    if "resolution" in mosaic.coords:
        series = series.assign_coords(resolution=("band", mosaic["resolution"].values))
    return series


def _doubts(
    image: NDArray[np.float32], bands: tuple[str, ...], gap: NDArray[np.integer]
) -> list[str]:
    """Flags of the image of a month."""
    filled = ["not observed"] if (gap != 0).mean() > EMPTY else []
    return [*image_flags(image, bands), *filled]


def _named(engine: SuperResolver, notes: Sequence[str]) -> dict[str, str]:
    """Attributes of a result."""
    said = "; ".join(dict.fromkeys(notes))
    return {"backend": engine.name, **({"superres_note": said} if said else {})}


def superresolve_image(
    image: xr.DataArray,
    backend: str | SuperResolver = "default",
    *,
    psf_mtf: Mapping[str, float] | None = None,
    steps: int = STEPS,
) -> xr.DataArray:
    """Super-resolve one image to a quarter of its pixel size.

    Parameters
    ----------
    image
        Dims (band, y, x) on a grid, any unit and dtype, as `bocage.rasters.read_raster` gives
        it; ``attrs["nodata"]`` marks what is missing. 20 m bands of Sentinel-2, known by their
        names, are sharpened first when the pixels are about 10 m wide.
    backend
        Name of a backend, or one.
    psf_mtf
        Modulation transfer at Nyquist of bands that differ from the table of the package.
    steps
        Corrections by back-projection through the point spread.

    Returns
    -------
    xarray.DataArray
        float32 (band, 4 y, 4 x) in the unit of the image, NaN where it has no data;
        ``attrs["backend"]`` names the backend, ``attrs["superres_note"]`` says what did not go
        the usual way, ``attrs["nodata"]`` is NaN.

    Raises
    ------
    InputError
        If the dims are others or there is no georeference.
    """
    if image.dims != ("band", "y", "x"):
        raise InputError(
            f"an image has the dims (band, y, x), not {tuple(str(d) for d in image.dims)}",
            remedy="transpose it, or add the band dimension",
        )
    engine = get_backend(backend) if isinstance(backend, str) else backend
    grid = geobox_of(image, "the image")
    coarse = image.values.astype(np.float32)
    nodata = image.attrs.get("nodata")
    if nodata is not None:
        coarse[image.values == nodata] = np.nan
    names = tuple(str(b) for b in image["band"].values)
    check_image(coarse, names)
    check_bands(psf_mtf, names)
    native = native_sizes(names) if is_ten_metres(grid) else (10,) * len(names)
    chain = Chain(engine, names, native, dict(psf_mtf or {}), steps)
    made = apply_chain(coarse, chain)
    notes = list(made.notes)
    if is_sharpened(coarse, names):
        notes.append(f"the image {_WARNING}")
        _log.warning("the image %s", _WARNING)
    result = wrap(made.image, fine_geobox(grid), dims=("band", "y", "x"), band=list(names))
    result.attrs = {**image.attrs, "nodata": float("nan"), **_named(engine, notes)}
    return result
