"""The cheap mode for a series: the detail of its mean, brought into each month."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bocage.superres._bicubic import fill_nearest, mask_back, upsample
from bocage.superres._fine10 import TRAINED_MTF, Fine10
from bocage.superres._psf import degrade, psf_mtf
from bocage.superres._sharpen import detail_weights

_RATIO = 2


@dataclass(frozen=True, eq=False)
class _Source:
    """A mean image, float32 (band, y, x), and its detail, float32 (band, 4 y, 4 x)."""

    mean: NDArray[np.float32]
    detail: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SharedDetail:
    """One run of the network for a whole series instead of one a month.

    The network super-resolves the mean of the months; what it adds to the cubic interpolation
    is added to that of each month, times the regression of the month's own detail on that of
    the mean, band by band. What changes in shape between months (crops, floods) is lost.

    Attributes
    ----------
    source
        Where detail is taken from; None: from each image itself.
    """

    source: _Source | None = field(default=None, repr=False)
    name: ClassVar[str] = "shared_detail"
    any_unit: ClassVar[bool] = True
    consistency: ClassVar[str] = "psf"
    trained_mtf: ClassVar[tuple[float, float]] = TRAINED_MTF

    def for_series(self, mean: NDArray[np.float32], bands: tuple[str, ...]) -> SharedDetail:
        """The backend with the detail of a mean image without NaN."""
        return SharedDetail(_source(mean, bands))

    def note(self, bands: tuple[str, ...]) -> str:
        """As `Fine10.note`."""
        return Fine10().note(bands)

    def upscale(self, image: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
        """Four times the pixels along y and x; NaN where the source is NaN."""
        filled = fill_nearest(image)
        source = self.source or _source(filled, bands)
        mtf = psf_mtf(bands)
        month, mean = (_detail(i, mtf) for i in (filled, source.mean))
        gains = [
            float(detail_weights(a[None], b[None])[0, 0]) for a, b in zip(month, mean, strict=True)
        ]
        fine = upsample(filled)
        fine += np.asarray(gains, dtype=np.float32)[:, None, None] * source.detail
        return mask_back(fine, image)


def _source(mean: NDArray[np.float32], bands: tuple[str, ...]) -> _Source:
    return _Source(mean, Fine10().upscale(mean, bands) - upsample(mean))


def _detail(image: NDArray[np.float32], mtf: tuple[float, ...]) -> NDArray[np.float32]:
    """What an image loses by a factor of two, at its own pixels."""
    rows, columns = image.shape[1:]
    even = np.pad(image, ((0, 0), (0, rows % _RATIO), (0, columns % _RATIO)), mode="edge")
    lost: NDArray[np.float32] = even - upsample(degrade(even, mtf, _RATIO), _RATIO)
    return lost[:, :rows, :columns]
