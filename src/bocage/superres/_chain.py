"""What happens to every image around the backend: sharpening, consistency, nodata."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.superres._backends import SuperResolver
from bocage.superres._bicubic import FACTOR, fill_nearest, mask_back
from bocage.superres._consistent import consistent
from bocage.superres._native import Sharpened, sharpen_native
from bocage.superres._psf import back_project, clamp, psf_mtf
from bocage.superres._unit import reflectance_scale

STEPS = 2
"""Corrections by back-projection after a backend."""

_DEGREE_M = 111_320.0
_TEN_M = (8.0, 12.5)


@dataclass(frozen=True)
class Chain:
    """Choices for one image or series.

    Attributes
    ----------
    engine
        The backend.
    bands, native
        Name, and pixel size of the sensor in metres, of each band.
    psf_mtf
        Modulation transfer at Nyquist of bands that differ from the table.
    steps
        Corrections by back-projection.
    blocks
        Whether the image is one of several that must fit together.
    """

    engine: SuperResolver
    bands: tuple[str, ...]
    native: tuple[int, ...]
    psf_mtf: Mapping[str, float] = field(default_factory=dict)
    steps: int = STEPS
    blocks: bool = False

    @property
    def by_psf(self) -> bool:
        """Whether the result is made to agree with its source through the point spread.

        A backend says so by an attribute ``consistency`` of ``psf``; without one the mean of
        each 4 × 4 block is made equal to the source, and 20 m bands are taken as they are.
        """
        return getattr(self.engine, "consistency", "mean") == "psf"


@dataclass(frozen=True, eq=False)
class Made:
    """A super-resolved image and what there is to say about it.

    Attributes
    ----------
    image
        float32 (band, 4 y, 4 x), NaN where the source has nothing.
    notes
        Sentences, none when all went the usual way.
    """

    image: NDArray[np.float32]
    notes: tuple[str, ...] = ()


def apply_chain(image: NDArray[np.float32], chain: Chain) -> Made:
    """Super-resolve one image.

    Parameters
    ----------
    image
        float32 (band, y, x), NaN or infinite where there is nothing.
    chain
        Backend and choices.

    Notes
    -----
    Nodata is filled from the nearest pixels first and put back last: it pulls at nothing.
    """
    source = np.where(np.isfinite(image), image, np.float32(np.nan))
    filled = fill_nearest(source)
    if not chain.by_psf:
        fine = _upscaled(filled, chain)
        return Made(consistent(mask_back(fine, source), source), _said(chain))
    sharp = _sharpened(filled, chain)
    fine = _upscaled(sharp.image, chain)
    mtf = psf_mtf(chain.bands, chain.psf_mtf)
    fine = clamp(back_project(fine, sharp.image, mtf, chain.steps), sharp.image)
    notes = list(_said(chain))
    if sharp.bands and not sharp.aligned:
        notes.append("20 m grid unknown: cells of 2 × 2 pixels stand for it")
    if not sharp.bands and 20 in chain.native:
        notes.append("20 m bands not sharpened")
    return Made(mask_back(fine, source), tuple(notes))


def for_series(images: NDArray[np.float32], chain: Chain) -> Chain:
    """The chain for the images (month, band, y, x) of one series.

    A backend with a method ``for_series`` is given their mean, sharpened, first.
    """
    bind = getattr(chain.engine, "for_series", None)
    if bind is None:
        return chain
    known = np.isfinite(images)
    count = known.sum(axis=0)
    total = np.where(known, images, 0).sum(axis=0, dtype=np.float64)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    filled = fill_nearest(mean)
    sharp = _sharpened(filled, chain)
    return replace(chain, engine=bind(sharp.image, chain.bands))


def _sharpened(filled: NDArray[np.float32], chain: Chain) -> Sharpened:
    return sharpen_native(filled, chain.bands, chain.native, chain.psf_mtf, fixed=chain.blocks)


def _said(chain: Chain) -> tuple[str, ...]:
    note = getattr(chain.engine, "note", None)
    said = str(note(chain.bands)) if note is not None else ""
    low, high = getattr(chain.engine, "trained_mtf", (0.0, 1.0))
    odd = [f"{band} {mtf:g}" for band, mtf in chain.psf_mtf.items() if not low <= mtf <= high]
    beyond = f"trained for a transfer of {low:g} to {high:g}, told {', '.join(odd)}" if odd else ""
    return tuple(filter(None, (said, beyond)))


def _upscaled(image: NDArray[np.float32], chain: Chain) -> NDArray[np.float32]:
    """What the backend makes of an image, in its unit."""
    engine = chain.engine
    scale = 1.0 if getattr(engine, "any_unit", False) else reflectance_scale(image)
    if scale == 1:
        return _checked(engine.upscale(image, chain.bands), image, engine)
    fine = engine.upscale(image * np.float32(scale), chain.bands)
    return _checked(fine / np.float32(scale), image, engine)


def _checked(
    fine: NDArray[np.float32], source: NDArray[np.float32], engine: SuperResolver
) -> NDArray[np.float32]:
    bands, rows, columns = source.shape
    if fine.shape != (bands, FACTOR * rows, FACTOR * columns):
        raise InputError(
            f"a super-resolved image of shape {fine.shape} does not belong to a source of shape "
            f"{source.shape}",
            remedy=f"the backend {engine.name} must give (band, 4 y, 4 x)",
        )
    if not np.isfinite(fine).all():
        raise InputError(
            f"a super-resolved image of {engine.name} has no value where its source has one",
            remedy="the backend must give a value wherever the source has one",
        )
    return fine


def pixel_m(geobox: GeoBox) -> float:
    """Size of the pixels in metres, about; of degrees at the latitude of the grid."""
    a, b, _, d, e, north = geobox.affine[:6]
    width, height = math.hypot(a, d), math.hypot(b, e)
    if geobox.crs is not None and geobox.crs.geographic:
        width *= _DEGREE_M * math.cos(math.radians(north))
        height *= _DEGREE_M
    return math.sqrt(width * height)


def is_ten_metres(geobox: GeoBox) -> bool:
    """Whether a grid is one of 10 m, so that a native 20 m band is two pixels wide."""
    return _TEN_M[0] <= pixel_m(geobox) <= _TEN_M[1]


def check_image(image: NDArray[np.float32], bands: Sequence[str]) -> None:
    """Refuse what is no image.

    Raises
    ------
    InputError
        If there are no pixels, or a band stands in it twice.
    """
    if image.size == 0:
        raise InputError(f"an image of shape {image.shape} has no pixels")
    twice = sorted({b for b in bands if list(bands).count(b) > 1})
    if twice:
        raise InputError(
            f"band {', '.join(twice)} stands in the image twice", remedy="give each band once"
        )
