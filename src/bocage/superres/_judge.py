"""One super-resolved image judged: on itself by Wald's protocol, and beside its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bocage.rasters import geobox_of
from bocage.superres._backends import get_backend
from bocage.superres._bicubic import FACTOR, fill_nearest, upsample
from bocage.superres._chain import Chain, is_ten_metres, pixel_m
from bocage.superres._consistent import block_mean
from bocage.superres._edges import Sharpness, edge_places, edge_sharpness
from bocage.superres._flags import image_flags
from bocage.superres._native import native_sizes, sharpen_native
from bocage.superres._psf import degrade
from bocage.superres._psf import psf_mtf as transfer
from bocage.superres._unit import reflectance_scale
from bocage.superres._wald import Subject, native_scale, reduced_scale

SIDES = (512, 256, 128, 64)
"""Pixels a side of the part that is judged, the largest that has a value everywhere."""

_OF_THE_MACHINE = ("km2_per_s",)
_STEP = 16
_AWAY = 0.002  # mean reflectance that a result may lack of its source
_EDGE_BANDS = ("B08", "B04", "B8A")

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Judgement:
    """What is known of one super-resolved image.

    Attributes
    ----------
    flags
        What is doubtful, none when nothing is: those of `image_flags`, and ``no gain`` (on itself
        the backend is no better than bicubic), ``away from source`` (mean above 0.002), ``not
        sharper`` (edges as wide as bicubic's), ``not judged`` (too small or full of holes).
    window
        Rows and columns of the source that were judged, None where there was no such part.
    scale
        What the numbers of the image were multiplied with.
    reduced, native
        Figures by backend: Wald's protocol (40 m to 10 m), and at the native pixels.
    consistency
        Mean absolute difference of the result, seen through the point spread (averaged over each
        4 × 4 block where the backend promises no more), to its source.
    edges
        Sharpness of ``bicubic`` and of the result on the same edges, by band name.
    """

    flags: tuple[str, ...]
    window: tuple[slice, slice] | None
    scale: float
    reduced: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    native: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    consistency: float | None = None
    edges: Mapping[str, Sharpness] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON: None where there is no number, nothing that a run may change."""
        return {
            "flags": list(self.flags),
            "scale": self.scale,
            "reduced": {k: _plain(v) for k, v in self.reduced.items()},
            "native": {k: _plain(v) for k, v in self.native.items()},
            "consistency": self.consistency,
            "edges": {k: _plain(asdict(v)) for k, v in self.edges.items()},
        }


def _plain(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {
        k: v if np.isfinite(v) else None for k, v in figures.items() if k not in _OF_THE_MACHINE
    }


def as_reflectance(image: xr.DataArray) -> tuple[Image, float]:
    """Reflectance float32 (band, y, x), NaN for nodata, and what it was multiplied with."""
    values = image.values.astype(np.float32)
    nodata = image.attrs.get("nodata")
    if nodata is not None:
        values[image.values == nodata] = np.nan
    values[~np.isfinite(values)] = np.nan
    scale = reflectance_scale(values)
    return values * np.float32(scale), scale


def judge(
    source: xr.DataArray,
    result: xr.DataArray,
    backend: str = "default",
    *,
    psf_mtf: Mapping[str, float] | None = None,
) -> Judgement:
    """Judge what `superresolve_image` made of an image.

    Parameters
    ----------
    source, result
        The image (band, y, x) and what was made of it.
    backend
        Name of the backend that made it; ``bicubic`` and ``lmmse`` are judged beside it.
    psf_mtf
        What it was made with, see `superresolve_image`.
    """
    image, scale = as_reflectance(source)
    bands = tuple(str(b) for b in source["band"].values)
    flags = list(image_flags(image, bands))
    window = find_window(np.isfinite(image.min(axis=0)))
    if window is None:
        return Judgement((*flags, "not judged"), None, scale)
    grid = geobox_of(source, "the image")
    native = native_sizes(bands) if is_ten_metres(grid) else (10,) * len(bands)
    part = np.ascontiguousarray(image[:, *window])
    given = dict(psf_mtf or {})
    sharp = sharpen_native(part, bands, native, given).image
    chain = Chain(get_backend(backend), bands, native, given)
    subject = Subject(sharp, bands, given)
    engines = {name: get_backend(name) for name in dict.fromkeys(("bicubic", "lmmse", backend))}
    reduced = {name: reduced_scale(subject, engine) for name, engine in engines.items()}
    at_native = {name: native_scale(subject, engine) for name, engine in engines.items()}
    fine_window = tuple(slice(FACTOR * s.start, FACTOR * s.stop) for s in window)
    fine = result.values[:, *fine_window].astype(np.float32) * np.float32(scale)
    fine = fill_nearest(fine)
    # A backend is held to what it promises: see `Chain.by_psf`.
    seen, meant = (
        (degrade(fine, transfer(bands, given)), sharp) if chain.by_psf else (block_mean(fine), part)
    )
    away = float(np.abs(seen - meant)[:, 4:-4, 4:-4].mean())
    edges = _edges(upsample(sharp), fine, bands, pixel_m(grid) / FACTOR)
    if backend != "bicubic" and reduced[backend]["psnr"] <= reduced["bicubic"]["psnr"]:
        flags.append("no gain")
    if away > _AWAY:
        flags.append("away from source")
    if backend != "bicubic" and edges and edges["result"].width_m >= edges["bicubic"].width_m:
        flags.append("not sharper")
    return Judgement(tuple(flags), window, scale, reduced, at_native, away, edges)


def find_window(known: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """The largest square of `SIDES` with a value everywhere, the nearest to the middle."""
    total = np.pad(np.cumsum(np.cumsum(~known, axis=0), axis=1), ((1, 0), (1, 0)))
    rows, columns = known.shape
    for side in SIDES:
        if side > min(rows, columns):
            continue
        tops = np.unique([*range(0, rows - side + 1, _STEP), rows - side])
        lefts = np.unique([*range(0, columns - side + 1, _STEP), columns - side])
        y, x = (a.ravel() for a in np.meshgrid(tops, lefts, indexing="ij"))
        holes = total[y + side, x + side] - total[y, x + side] - total[y + side, x] + total[y, x]
        if (holes == 0).any():
            off = np.hypot(y + side / 2 - rows / 2, x + side / 2 - columns / 2)
            best = int(np.argmin(np.where(holes == 0, off, np.inf)))
            top, left = int(y[best]), int(x[best])
            return slice(top, top + side), slice(left, left + side)
    return None


def _edges(smooth: Image, fine: Image, bands: tuple[str, ...], size: float) -> dict[str, Sharpness]:
    """Sharpness of both images on the edges of the first, in the band that shows fields best."""
    band = next((bands.index(b) for b in _EDGE_BANDS if b in bands), 0)
    places = edge_places(smooth[band], size)
    found = {
        name: edge_sharpness(image[band], places, size)
        for name, image in (("bicubic", smooth), ("result", fine))
    }
    both = {name: value for name, value in found.items() if value is not None}
    return both if len(both) == len(found) else {}
