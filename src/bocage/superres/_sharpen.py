"""From 20 m to 10 m: the detail of the 10 m bands, as far as it explains the others."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from bocage.superres._bicubic import upsample
from bocage.superres._psf import back_project, degrade

_RATIO = 2
_RIDGE = 1e-3
"""Share of the guides' mean detail variance added to the diagonal: keeps a plain image solvable."""


SHARPEN_STEPS = 3
"""Corrections by back-projection."""

_OUTLIER = 6.0
"""Times the usual detail above which a pixel is left out of the regression."""


def sharpen(
    coarse: NDArray[np.float32],
    guides: NDArray[np.float32],
    mtf: Sequence[float],
    guide_mtf: Sequence[float],
    steps: int = SHARPEN_STEPS,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Bring bands to half of their pixel size with the detail of finer bands.

    Parameters
    ----------
    coarse
        float32 (band, y, x) without NaN, such as the six 20 m bands.
    guides
        float32 (guide, 2 y, 2 x) without NaN on the same ground, such as the four 10 m bands.
    mtf, guide_mtf
        Modulation transfer at Nyquist of the coarse bands and of the guides.
    steps
        Corrections by back-projection.
    weights
        (band, guide); None: regressed over the image.

    Returns
    -------
    numpy.ndarray
        float32 (band, 2 y, 2 x).

    Notes
    -----
    Detail is what an image loses when it is degraded by two and interpolated back. One linear
    regression over the image says how the detail of the coarse bands follows that of the
    guides, as they would be seen at the coarse pixel size; the same weights then carry the
    guides' own detail over (high-pass detail injection with regressed gains, Aiazzi, Baronti
    and Selva, 2007, IEEE TGRS 45(10), 3230–3239), and back-projection makes the result agree
    with the coarse bands again.
    """
    seen = degrade(guides, guide_mtf, _RATIO)
    if weights is None:
        weights = detail_weights(_detail(coarse, mtf), _detail(seen, guide_mtf))
    lost = guides - upsample(seen, _RATIO)
    count, rows, columns = lost.shape
    brought = weights.astype(np.float32) @ lost.reshape(count, rows * columns)
    fine = upsample(coarse, _RATIO)
    fine += brought.reshape(fine.shape)
    return back_project(fine, coarse, mtf, steps, _RATIO)


@cache
def fixed_weights(bands: tuple[str, ...], guides: tuple[str, ...]) -> NDArray[np.float64] | None:
    """Weights that fit most scenes (``data/sharpen.csv``); None for other bands or guides.

    Images of neighbouring blocks that are sharpened with them fit together without seams.
    """
    text = (resources.files("bocage.superres") / "data" / "sharpen.csv").read_text("utf-8")
    table = {row.pop("band"): row for row in csv.DictReader(text.splitlines())}
    known = set(next(iter(table.values())))
    if not set(bands) <= set(table) or set(guides) != known:
        return None
    return np.array([[float(table[b][g]) for g in guides] for b in bands])


def detail_pair(
    coarse: NDArray[np.float32],
    guides: NDArray[np.float32],
    mtf: Sequence[float],
    guide_mtf: Sequence[float],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What `detail_weights` takes: details of bands and guides at the coarse pixels."""
    seen = degrade(guides, guide_mtf, _RATIO)
    found = _detail(coarse, mtf), _detail(seen, guide_mtf)
    return found[0].reshape(len(coarse), -1), found[1].reshape(len(guides), -1)


def detail_weights(target: NDArray[np.float32], guides: NDArray[np.float32]) -> NDArray[np.float64]:
    """Regression of details without intercept: (band, …) on (guide, …) gives (band, guide).

    Pixels with far more detail than usual in any band (saturated roofs, sparks) have no say.
    """
    y = target.reshape(len(target), -1).astype(np.float64)
    x = guides.reshape(len(guides), -1).astype(np.float64)
    usual = _usual(x) & _usual(y)
    x, y = x[:, usual], y[:, usual]
    square = x @ x.T
    trace = float(np.trace(square)) / len(x)
    if trace <= 0:
        return np.zeros((len(y), len(x)))
    ridge = _RIDGE * trace * np.eye(len(x))
    return np.linalg.solve(square + ridge, x @ y.T).T.astype(np.float64)


def _usual(detail: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pixels within a few times the root mean square of each band, taken twice."""
    inside: NDArray[np.bool_] = np.ones(detail.shape[1], dtype=bool)
    for _ in range(2):
        spread = np.sqrt(np.mean(detail[:, inside] ** 2, axis=1, keepdims=True))
        inside = (np.abs(detail) <= _OUTLIER * spread).all(axis=0)
    return inside


def _detail(image: NDArray[np.float32], mtf: Sequence[float]) -> NDArray[np.float32]:
    """What an image of even sides loses by a factor of two, at its own pixels."""
    rows, columns = (n - n % _RATIO for n in image.shape[1:])
    even = image[:, :rows, :columns]
    return even - upsample(degrade(even, mtf, _RATIO), _RATIO)
