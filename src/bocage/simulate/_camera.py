"""What a satellite sees: point spread, sampling, misregistration and the light of the date."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bocage.grid import FINE
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._film import Film, load_films, resize
from bocage.simulate._flood import FloodPlain, flood_water
from bocage.simulate._instrument import SIZES, bands, of_size
from bocage.simulate._noise import FloatArray, IntArray, fractal
from bocage.simulate._relief import Relief, light_on, sample
from bocage.simulate._scl import Scl, classify
from bocage.simulate._sky import sky_over, through
from bocage.simulate._spectra import Spectra
from bocage.simulate._tables import BANDS
from bocage.simulate._weather import Weather

load_film = load_films  # the old name, until the caller uses ``_film.load_films``

SHIFT_M = 3.0
"""Standard deviation in metres of the misregistration between dates, along each axis."""

BAND_SHIFT_M = 0.8
"""The same between the pixel sizes of one date."""

GAIN = 0.012
"""Standard deviation of the relative error of calibration and correction of a band."""

OFFSET = 0.0015
"""Standard deviation of what that error adds, reflectance."""

EDGE_TILT = math.tan(math.radians(12.0))
"""Slope of the edges of the swath from the north: they lean to the east there."""

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


@dataclass(frozen=True)
class Image:
    """One date on one film.

    Attributes
    ----------
    bands
        Reflectance of each band, float32, NaN where there is none.
    scl
        Scene classification at 20 m, uint8.
    cloud_cover, nodata, snow_cover, flood_cover
        Per cent of the pixels of 20 m under clouds (of those seen), without data, under snow
        by the classification, and under flood water.
    """

    bands: dict[str, FloatArray]
    scl: NDArray[np.uint8]
    cloud_cover: float
    nodata: float
    snow_cover: float
    flood_cover: float


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
            sums = np.zeros(4, np.float32)
            for k in range(taps):
                dy = r0 + k * stride + 0.5 - py
                dx = c0 + k * stride + 0.5 - px
                ys[k] = math.exp(-0.5 * (dy / sharp) ** 2)
                xs[k] = math.exp(-0.5 * (dx / sharp) ** 2)
                yb[k] = math.exp(-0.5 * (dy / blunt) ** 2)
                xb[k] = math.exp(-0.5 * (dx / blunt) ** 2)
                sums[0] += ys[k]
                sums[1] += xs[k]
                sums[2] += yb[k]
                sums[3] += xb[k]
            norm_s = one / (sums[0] * sums[1])
            norm_b = one / (sums[2] * sums[3])
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


def textures(domain: Domain, seed: Seed) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Brightness and greenness within objects, in fortieths of a standard deviation, int8."""
    axis = domain.axis(FINE)
    crowns = fractal(axis, axis, 9, seed.at("texture", "crowns"), octaves=1)
    crowns += 0.6 * fractal(axis, axis, 60, seed.at("texture", "broad"), octaves=3)
    lush = fractal(axis, axis, 160, seed.at("texture", "lush"), octaves=4, gain=0.65)
    return _packed(crowns / np.float32(1.17)), _packed(lush)


def _packed(field: FloatArray) -> NDArray[np.int8]:
    return np.clip(np.round(field * 40), -127, 127).astype(np.int8)


def take(
    scene: Scene, looks: Spectra, film: Film, weather: Weather, relief: Relief, seed: Seed
) -> Image:
    """Take one image.

    Parameters
    ----------
    looks
        Spectra of the units on the date.
    relief
        Relief on the film.
    seed
        Seed of the date: the sky is the same on every film, noise and misregistration are not.
    """
    rng = seed.rng("take", film.zone)
    sky = sky_over(film, scene.domain, weather, seed)
    light = light_on(relief, weather.sun, weather.azimuth)
    water = _flooded(scene, film, weather)
    unseen = _unseen(scene.domain, film, weather)
    turbid = flood_water()
    shift = rng.normal(0, SHIFT_M, 2)
    taken: dict[str, FloatArray] = {}
    for size in SIZES:
        own = shift + rng.normal(0, BAND_SHIFT_M, 2)
        for name, value in expose(scene, looks, film, size, (own[0], own[1])).items():
            band = bands()[BANDS.index(name)]
            if water is not None:
                flood = resize(water, size)
                value = value + flood * (turbid[BANDS.index(name)] - value)
            value = value * resize(light.factor(band.diffuse(weather.sun)), size)
            error = (float(rng.normal(1, GAIN)), float(rng.normal(0, OFFSET)) * band.haze)
            value = through(value, sky, band, weather, error, rng)
            if unseen is not None:
                value[resize(unseen.astype(np.float32), size) > 0] = np.nan
            taken[name] = value
    scl = classify(taken, sky, relief, light, rng)
    seen = scl != Scl.NO_DATA
    count = max(int(seen.sum()), 1)
    return Image(
        taken,
        scl,
        cloud_cover=100 * float((sky.cloud[20][seen] > 0.35).sum()) / count,
        nodata=100 * float(1 - seen.mean()),
        snow_cover=100 * float((scl == Scl.SNOW).sum()) / count,
        flood_cover=0.0 if water is None else 100 * float((water[seen] > 0.25).sum()) / count,
    )


def _flooded(scene: Scene, film: Film, weather: Weather) -> FloatArray | None:
    """Share of each pixel of 20 m that shows flood water; None where there is no flood."""
    stage = scene.plain.stage(weather.flood)
    if stage <= 0:
        return None
    return sample(film, scene.plain.depth(stage)) * (1 - _hidden(scene, film))


def _hidden(scene: Scene, film: Film) -> FloatArray:
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
    return np.nan_to_num(out[0])


def _unseen(domain: Domain, film: Film, weather: Weather) -> NDArray[np.bool_] | None:
    """Pixels of 20 m beyond the edge of the swath; None where the whole area is seen."""
    if weather.edge is None:
        return None
    x = film.columns[20] * FINE
    north = domain.side / 2 - film.rows[20] * FINE
    line = weather.edge.x + EDGE_TILT * north
    return np.asarray(x < line if weather.edge.east else x > line)
