"""Random fields that any pixel can evaluate for itself: fractal noise and jittered cells."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

_MASK = 0xFFFFFFFF


@njit(inline="always", cache=True)
def hash3(a: int, b: int, c: int) -> int:
    """Mix three integers into one of 32 bits."""
    h = ((a & _MASK) * 0x9E3779B1 + (b & _MASK) * 0x85EBCA77 + (c & _MASK) * 0xC2B2AE3D) & _MASK
    h ^= h >> 15
    h = (h * 0x2C1B3C6D) & _MASK
    h ^= h >> 12
    h = (h * 0x297A2D39) & _MASK
    h ^= h >> 15
    return h


@njit(inline="always", cache=True)
def unit(h: int) -> float:
    """A number in 0 … 1 from a hash."""
    return (h & 0xFFFFFF) / 16777216.0


@njit(cache=True)
def _lattice_row(iy: int, columns: int, seed: int, out: NDArray[np.float32]) -> None:
    for ix in range(columns):
        angle = unit(hash3(ix, iy, seed)) * 2 * math.pi
        out[ix, 0] = math.cos(angle)
        out[ix, 1] = math.sin(angle)


@njit(cache=True)
def _add_octave(
    ys: NDArray[np.float64],
    xs: NDArray[np.float64],
    wavelength: float,
    weight: float,
    seed: int,
    out: NDArray[np.float32],
) -> None:
    columns = int(xs[-1] / wavelength) + 3
    above = np.empty((columns, 2), np.float32)
    below = np.empty((columns, 2), np.float32)
    last = -1000000
    for r in range(ys.size):
        y = ys[r] / wavelength
        iy = math.floor(y)
        if iy != last:
            _lattice_row(iy, columns, seed, above)
            _lattice_row(iy + 1, columns, seed, below)
            last = iy
        fy = np.float32(y - iy)
        vy = fy * fy * fy * (fy * (fy * 6 - 15) + 10)
        for c in range(xs.size):
            x = xs[c] / wavelength
            ix = int(x)
            fx = np.float32(x - ix)
            vx = fx * fx * fx * (fx * (fx * 6 - 15) + 10)
            a = above[ix, 0] * fx + above[ix, 1] * fy
            b = above[ix + 1, 0] * (fx - 1) + above[ix + 1, 1] * fy
            d = below[ix, 0] * fx + below[ix, 1] * (fy - 1)
            e = below[ix + 1, 0] * (fx - 1) + below[ix + 1, 1] * (fy - 1)
            top = a + vx * (b - a)
            low = d + vx * (e - d)
            out[r, c] += weight * (top + vy * (low - top))


def fractal(
    ys: NDArray[np.floating],
    xs: NDArray[np.floating],
    wavelength: float,
    seed: int,
    *,
    octaves: int = 4,
    gain: float = 0.5,
) -> FloatArray:
    """Fractal gradient noise (Perlin 1985) with mean about 0 and standard deviation about 1.

    Parameters
    ----------
    ys, xs
        Ascending, non-negative coordinates of rows and columns in metres.
    wavelength
        Spacing of the coarsest lattice in metres; each octave halves it.
    seed
        Seed of the field.
    octaves, gain
        Number of octaves, and the weight of each against the one before.

    Returns
    -------
    numpy.ndarray
        float32, shape (rows, columns).
    """
    out = np.zeros((ys.size, xs.size), np.float32)
    # A shift per field keeps the lattice nodes, where gradient noise is 0, from coinciding.
    shift = np.random.Generator(np.random.PCG64(seed)).uniform(0, wavelength, 2)
    weight, total = 1.0, 0.0
    for octave in range(octaves):
        _add_octave(
            ys + shift[0], xs + shift[1], wavelength / 2**octave, weight, seed + octave, out
        )
        total += weight**2
        weight *= gain
    out /= np.float32(_DEVIATION * math.sqrt(total))
    return out


_DEVIATION = 0.216
"""Standard deviation of one octave of gradient noise in two dimensions."""


def uniform(field: FloatArray) -> FloatArray:
    """Turn a field with standard deviation 1 into one that is about uniform in 0 … 1."""
    result: FloatArray = ndtr(field)
    return result


def curve(s: NDArray[np.floating], wavelength: float, seed: int, octaves: int = 3) -> FloatArray:
    """Fractal noise along a line, standard deviation about 1."""
    row = fractal(np.array([wavelength * 0.37]), s, wavelength, seed, octaves=octaves)
    result: FloatArray = row[0]
    return result


@njit(cache=True)
def _nearest(
    warp_y: NDArray[np.float32],
    warp_x: NDArray[np.float32],
    step: float,
    cell: float,
    seed: int,
    out: NDArray[np.int32],
) -> None:
    rows, columns = out.shape
    # Warping may push a pixel out of the square: the cells start far outside.
    across = int((columns * step) / cell) + 64
    for r in range(rows):
        for c in range(columns):
            y = (r + 0.5) * step + warp_y[r, c] + 32 * cell
            x = (c + 0.5) * step + warp_x[r, c] + 32 * cell
            iy = int(y / cell)
            ix = int(x / cell)
            best = 1e30
            found = 0
            for jy in range(iy - 1, iy + 2):
                for jx in range(ix - 1, ix + 2):
                    h = hash3(jx, jy, seed)
                    py = (jy + unit(h)) * cell - y
                    px = (jx + unit(hash3(h, 7, seed))) * cell - x
                    d = py * py + px * px
                    if d < best:
                        best = d
                        found = jy * across + jx
            out[r, c] = found


def cells(warp_y: FloatArray, warp_x: FloatArray, step: float, cell: float, seed: int) -> IntArray:
    """Label pixels by the nearest of randomly jittered points, one a square of `cell` metres.

    Parameters
    ----------
    warp_y, warp_x
        Displacement of every pixel in metres, shape (y, x): it makes the borders curl.
    step
        Pixel size in metres.
    cell
        Mean distance of the points in metres.
    seed
        Seed of the points.

    Returns
    -------
    numpy.ndarray
        int32 labels; they are not dense.
    """
    out = np.zeros(warp_y.shape, np.int32)
    _nearest(warp_y, warp_x, step, cell, seed, out)
    return out
