"""The landscape under the point spread of the camera, for every pixel and band."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bocage.grid import FINE
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._film import Film
from bocage.simulate._flood import FloodPlain
from bocage.simulate._instrument import bands, of_size
from bocage.simulate._noise import FloatArray, IntArray, fractal
from bocage.simulate._spectra import Spectra
from bocage.simulate._tables import BANDS

STRIDES = {10: 1, 20: 2, 60: 6}
"""Pixels of 2.5 m between the samples under the point spread of each pixel size."""


@dataclass(frozen=True)
class Scene:
    """Surfaces of a year as the camera takes them in.

    Attributes
    ----------
    domain
        The square.
    label
        Unit of each pixel of 2.5 m, int32 (y, x).
    texture, greenness
        Brightness and greenness within units in fortieths of a standard deviation, int8 (y, x).
    hidden
        Share of flood water that each unit hides, float32 (unit,).
    plain
        Land that the main river may flood.
    """

    domain: Domain
    label: IntArray
    texture: NDArray[np.int8]
    greenness: NDArray[np.int8]
    hidden: FloatArray
    plain: FloodPlain


@njit(fastmath=True, cache=True, nogil=True)
def _weigh(offset: float, spread: float, stride: int, out: NDArray[np.float32]) -> np.float32:
    """Weights of a Gaussian at steps of `stride` from an offset; returns their sum.

    A common factor is left out, and exp(-(a + k)²) = exp(-a²) exp(-2 a k) exp(-k²) needs one
    power a step: the last factor is that of the step before times one that shrinks evenly.
    """
    reach = out.size // 2
    step = stride / spread
    ratio = math.exp(-offset / spread * step)
    inverse = 1 / ratio
    shrink = math.exp(-0.5 * step * step)
    fall, up, down = 1.0, 1.0, 1.0
    out[reach] = 1.0
    total = np.float32(1.0)
    odd = shrink
    for k in range(1, reach + 1):
        # exp(-k² s² / 2) = exp(-(k-1)² s² / 2) · exp(-(2k-1) s² / 2)
        fall *= odd
        odd *= shrink * shrink
        up *= ratio
        down *= inverse
        out[reach + k] = fall * up
        out[reach - k] = fall * down
        total += out[reach + k] + out[reach - k]
    return total


@njit(fastmath=True, cache=True, nogil=True)
def _expose(
    label: NDArray[np.int32],
    texture: NDArray[np.int8],
    greenness: NDArray[np.int8],
    mean: NDArray[np.float32],
    green: NDArray[np.float32],
    strength: NDArray[np.float32],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    spreads: tuple[float, float],
    mix: NDArray[np.float32],
    shift: tuple[float, float],
    stride: int,
    out: NDArray[np.float32],
) -> None:
    """Sum the landscape under the point spread of each band at each pixel centre; NaN outside.

    The spread of a band is a mixture of two Gaussians, the same for all bands of a pixel size,
    so that the weights of a run of pixels of one unit are added up once for all of them.
    """
    height, width = label.shape
    count = mean.shape[1]
    sharp, blunt = spreads
    reach = math.ceil(2.6 * blunt / stride)
    taps = 2 * reach + 1
    ys = np.empty(taps, np.float32)
    xs = np.empty(taps, np.float32)
    yb = np.empty(taps, np.float32)
    xb = np.empty(taps, np.float32)
    total = np.empty(count, np.float32)
    fortieth = np.float32(1 / 40)
    zero = np.float32(0)
    one = np.float32(1)
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            py, px = rows[i, j] + shift[0], columns[i, j] + shift[1]
            r0 = math.floor(py) - reach * stride
            c0 = math.floor(px) - reach * stride
            if r0 < 0 or c0 < 0 or r0 + (taps - 1) * stride >= height:
                out[:, i, j] = np.nan
                continue
            if c0 + (taps - 1) * stride >= width:
                out[:, i, j] = np.nan
                continue
            dy, dx = math.floor(py) + 0.5 - py, math.floor(px) + 0.5 - px
            norm_s = one / (_weigh(dy, sharp, stride, ys) * _weigh(dx, sharp, stride, xs))
            norm_b = one / (_weigh(dy, blunt, stride, yb) * _weigh(dx, blunt, stride, xb))
            total[:] = 0
            unit = label[r0, c0]
            ws, ts, gs, wb, tb, gb = zero, zero, zero, zero, zero, zero
            for k in range(taps):
                r = r0 + k * stride
                ay = ys[k] * norm_s
                by = yb[k] * norm_b
                for m in range(taps):
                    c = c0 + m * stride
                    u = label[r, c]
                    if u != unit:
                        s = strength[unit] * fortieth
                        for b in range(count):
                            a = mix[b]
                            light = a * (ws + s * ts) + (one - a) * (wb + s * tb)
                            lush = (a * gs + (one - a) * gb) * fortieth
                            total[b] += light * mean[unit, b] + lush * green[unit, b]
                        ws, ts, gs, wb, tb, gb = zero, zero, zero, zero, zero, zero
                        unit = u
                    t = np.float32(texture[r, c])
                    g = np.float32(greenness[r, c])
                    p = ay * xs[m]
                    q = by * xb[m]
                    ws += p
                    ts += p * t
                    gs += p * g
                    wb += q
                    tb += q * t
                    gb += q * g
            s = strength[unit] * fortieth
            for b in range(count):
                a = mix[b]
                light = a * (ws + s * ts) + (one - a) * (wb + s * tb)
                lush = (a * gs + (one - a) * gb) * fortieth
                out[b, i, j] = total[b] + light * mean[unit, b] + lush * green[unit, b]


def expose(
    scene: Scene, looks: Spectra, film: Film, size: int, shift: tuple[float, float]
) -> dict[str, FloatArray]:
    """Reflectance of the bands of a pixel size under their point spreads.

    Parameters
    ----------
    shift
        Misregistration in metres, rows and columns.
    """
    chosen = of_size(size)
    mtf = np.array([bands()[i].mtf for i in chosen])
    spreads = [bands()[i].spread for i in chosen]
    # At Nyquist a mixture transfers the mean of its parts: weigh them so that it is the band's.
    mix = (mtf - mtf.min()) / max(float(np.ptp(mtf)), 1e-9)
    out = np.empty((len(chosen), *film.boxes[size].shape), np.float32)
    _expose(
        scene.label,
        scene.texture,
        scene.greenness,
        np.ascontiguousarray(looks.mean[:, chosen]),
        np.ascontiguousarray(looks.green[:, chosen]),
        looks.texture,
        film.rows[size],
        film.columns[size],
        (min(spreads), max(spreads)),
        mix.astype(np.float32),
        (shift[0] / FINE, shift[1] / FINE),
        STRIDES[size],
        out,
    )
    return {BANDS[i]: out[n] for n, i in enumerate(chosen)}


def hidden_water(scene: Scene, film: Film) -> FloatArray:
    """Share of the water under each pixel of 20 m that plants hide."""
    size = 20
    out = np.empty((1, *film.boxes[size].shape), np.float32)
    hidden = np.ascontiguousarray(scene.hidden[:, None])
    none = np.zeros_like(hidden)
    spread = bands()[of_size(size)[0]].spread
    _expose(
        scene.label,
        scene.texture,
        scene.greenness,
        hidden,
        none,
        none[:, 0],
        film.rows[size],
        film.columns[size],
        (spread, spread),
        np.ones(1, np.float32),
        (0.0, 0.0),
        STRIDES[size],
        out,
    )
    shown: FloatArray = np.nan_to_num(out[0])
    return shown


def textures(domain: Domain, seed: Seed) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Brightness and greenness within objects, in fortieths of a standard deviation, int8."""
    axis = domain.axis(FINE)
    crowns = fractal(axis, axis, 9, seed.at("texture", "crowns"), octaves=1)
    crowns += 0.6 * fractal(axis, axis, 60, seed.at("texture", "broad"), octaves=3)
    lush = fractal(axis, axis, 160, seed.at("texture", "lush"), octaves=4, gain=0.65)
    return _packed(crowns / np.float32(1.17)), _packed(lush)


def _packed(field: FloatArray) -> NDArray[np.int8]:
    return np.clip(np.round(field * 40), -127, 127).astype(np.int8)
