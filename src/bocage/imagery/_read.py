"""Pixels of one item on a pixel grid: warped, scaled, and checked against what the item says.

Files are opened here and not through `odc.stac.load`: bands of one file are read with one
opening, each file has its own nodata, scale and offset, a description that contradicts the
item is found, errors name the file, and the resampling factor is fixed, so that a pixel does
not depend on the window it is read in (neighbouring blocks agree to less than a count).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.errors import CRSError, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import array_bounds
from rasterio.vrt import WarpedVRT
from rasterio.warp import calculate_default_transform

from bocage.errors import InputError
from bocage.imagery._bands import Source, canonical, known
from bocage.rasters import open_error

_TOLERANCE = 1e-4  # of the approximated reprojection, source pixels: below one count of a DN
_WHOLE = 1e-3  # target pixels by which corners of source pixels may lie off the target's
_FINER = 0.8  # source pixels below this share of a target pixel are averaged
_IMPOSSIBLE = -32768.0  # a nodata value that no mask has: every value of a mask means something
_REMOTE = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MAX_RETRY": "4",
    "GDAL_HTTP_RETRY_DELAY": "1",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif,.tiff,.TIF,.jp2,.vrt",
}


def read_bands(
    sources: Sequence[Source], geobox: GeoBox, *, exact: bool = False
) -> NDArray[np.float32]:
    """Reflectance of bands of one item.

    Parameters
    ----------
    sources
        Bands of one item.
    geobox
        Grid of pixels to read on, any CRS.
    exact
        Take the pixels of files whose grid fits this one (see `fits`) as they are, each repeated
        where it is larger, and interpolate those of other files only.

    Returns
    -------
    numpy.ndarray
        float32 (band, y, x), unit 1, NaN outside the image and where it has no data.
        Cubic convolution.

    Raises
    ------
    InputError
        If a file is missing, corrupt or not georeferenced, or holds another band than the
        item says.
    """
    out = np.full((len(sources), geobox.shape.y, geobox.shape.x), np.nan, dtype=np.float32)
    groups: dict[tuple[str, float | None], list[int]] = {}
    for position, source in enumerate(sources):
        groups.setdefault((source.href, source.nodata), []).append(position)
    for (href, nodata), positions in groups.items():
        with _Opened(href) as file:
            chosen = [sources[p] for p in positions]
            for source in chosen:
                _check_band(file.dataset, source)
            as_is = exact and fits(GeoBox.from_rio(file.dataset), geobox)
            how = "nearest" if as_is else "cubic"
            data = file.warp([s.index for s in chosen], geobox, how, nodata)
            for position, source, values in zip(positions, chosen, data, strict=True):
                scale, offset = _calibration(file.dataset, source)
                out[position] = values * np.float32(scale) + np.float32(offset)
    return out


def read_codes(source: Source, geobox: GeoBox) -> NDArray[np.float32]:
    """Values of a mask or a classification, nearest neighbour.

    Returns
    -------
    numpy.ndarray
        float32 (y, x), whole numbers, NaN outside the file. A nodata value of the file is
        a value like any other: masks are often written with nodata 0, which means clear.
    """
    with _Opened(source.href) as file:
        _check_band(file.dataset, source)
        codes: NDArray[np.float32] = file.warp([source.index], geobox, "nearest", _IMPOSSIBLE)[0]
        return codes


def read_heights(path: Path | str, geobox: GeoBox) -> NDArray[np.float32]:
    """Heights of the first band of a raster, float32 (y, x), NaN where there are none.

    Cubic convolution, so that slopes have no steps where pixels are finer than the heights.
    """
    with _Opened(str(path)) as file:
        heights: NDArray[np.float32] = file.warp([1], geobox, "cubic", None)[0]
        return heights


def file_grid(href: str) -> GeoBox:
    """Pixel grid of a file; errors as in `read_bands`."""
    with _Opened(href) as file:
        return GeoBox.from_rio(file.dataset)


class _Opened:
    """A raster file whose errors name it."""

    def __init__(self, href: str) -> None:
        self._href = href
        self._stack = ExitStack()
        self.dataset: DatasetReader

    def __enter__(self) -> _Opened:
        options: dict[str, Any] = _REMOTE if "://" in self._href else {}
        try:
            self._stack.enter_context(rasterio.Env(**options))
            self.dataset = self._stack.enter_context(rasterio.open(self._href))
        except RasterioError as error:
            self._stack.close()
            raise open_error(self._href, error) from error
        if self.dataset.crs is None or self.dataset.transform.is_identity:
            self._stack.close()
            raise InputError(
                f"{self._href} is not georeferenced (no CRS or no transform)",
                remedy="write the image with a CRS and a transform",
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def warp(
        self, indexes: list[int], geobox: GeoBox, resampling: str, nodata: float | None
    ) -> NDArray[np.float32]:
        """Bands as float32 (band, y, x) on a grid, NaN where there is nothing."""
        # Without this a pixel with nodata in one band and not in another keeps it as a value.
        options: dict[str, Any] = {"UNIFIED_SRC_NODATA": "NO"}
        if nodata is not None:
            options["src_nodata"] = nodata
        try:
            if resampling != "nearest":
                ratio = source_pixel(
                    str(self.dataset.crs),
                    str(geobox.crs),
                    self.dataset.shape,
                    tuple(self.dataset.bounds),
                ) / float(abs(geobox.affine.a))
                # GDAL would take the factor from the window that is read, and the same pixel
                # would differ from window to window; 1 is plain interpolation.
                factor = 1.0 if ratio > _FINER else round(ratio, 3)
                options |= {"XSCALE": factor, "YSCALE": factor}
            with WarpedVRT(
                self.dataset,
                crs=str(geobox.crs),
                transform=geobox.affine,
                width=geobox.shape.x,
                height=geobox.shape.y,
                resampling=Resampling[resampling],
                nodata=np.nan,
                dtype="float32",
                tolerance=_TOLERANCE,
                **options,
            ) as view:
                data: NDArray[np.float32] = view.read(indexes)
        except (RasterioError, CRSError) as error:
            raise open_error(self._href, error) from error
        return data


def fits(coarse: GeoBox, fine: GeoBox) -> bool:
    """Whether every pixel of a grid consists of whole pixels of a finer or equal one."""
    a, b, c, d, e, f = (~fine.affine @ coarse.affine)[:6]
    whole = np.abs(np.array([a, c, e, f]) - np.round([a, c, e, f])).max() < _WHOLE
    return bool(
        coarse.crs == fine.crs and whole and max(abs(b), abs(d)) < _WHOLE and min(a, e) > _FINER
    )


@lru_cache(maxsize=256)
def source_pixel(crs: str, target: str, shape: tuple[int, int], bounds: tuple[float, ...]) -> float:
    """Size of an image's pixels in units of another CRS, along the diagonal of the image."""
    rows, columns = shape
    transform, width, height = calculate_default_transform(crs, target, columns, rows, *bounds)
    west, south, east, north = array_bounds(height, width, transform)
    return float(np.hypot(east - west, north - south) / np.hypot(columns, rows))


def _check_band(dataset: DatasetReader, source: Source) -> None:
    """Refuse a file that holds another band than its item says."""
    if source.index > dataset.count:
        raise InputError(
            f"{source.href} has {dataset.count} band(s), but item {source.item} says that "
            f"{source.band} is band {source.index}",
            remedy="correct the catalogue or fetch the file again",
        )
    found = dataset.descriptions[source.index - 1]
    if not found or canonical(found) == canonical(source.band):
        return
    if known(found) or canonical(found) in source.names:
        raise InputError(
            f"{source.href}: band {source.index} should be {source.band} (item {source.item}), "
            f"but the file calls it {found}",
            remedy="the bands are shuffled or the catalogue is wrong; correct the one or the other",
        )


def _calibration(dataset: DatasetReader, source: Source) -> tuple[float, float]:
    """Scale and offset: the item's, else the file's, else those of Sentinel-2 L2A."""
    if source.declared is not None:
        return source.declared
    position = source.index - 1
    own = float(dataset.scales[position]), float(dataset.offsets[position])
    if own != (1.0, 0.0):
        return own
    if np.dtype(dataset.dtypes[position]).kind == "f":
        return 1.0, 0.0
    if source.offset is None:
        raise InputError(
            f"item {source.item} gives neither a scale nor a processing baseline: from 2022 on "
            "it is unknown whether its reflectance carries the offset of baseline 04.00",
            remedy="give s2:processing_baseline in the item, or scale and offset in raster:bands",
        )
    return 0.0001, source.offset
