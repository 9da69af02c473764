"""What a satellite sees: point spread, sampling, haze, clouds, noise and a scene classification."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numba import njit
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy import ndimage

from bocage.grid import CRS, FINE
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._noise import FloatArray, IntArray, fractal, uniform
from bocage.simulate._spectra import Spectra
from bocage.simulate._tables import BANDS, RESOLUTION

MTF = {10: 0.27, 20: 0.30}
"""Modulation transfer at the Nyquist frequency of each native pixel size.

Measured values of the satellites lie between 0.15 and 0.33 (Sentinel-2 data quality reports).
"""

MARGIN_M = 320
"""Width in metres of the margin of the images around the mapped area."""

SHIFT_PX = 0.25
"""Standard deviation of the misregistration between dates in pixels of 10 m."""


@dataclass(frozen=True)
class Film:
    """Pixel grids of the images of a place: its UTM zone, 10 and 20 m.

    Attributes
    ----------
    epsg
        Code of the coordinate reference system.
    boxes
        Pixel grid of each pixel size.
    rows, columns
        Where each pixel centre lies in the landscape, in pixels of 2.5 m, float64 (y, x).
    """

    epsg: int
    boxes: dict[int, GeoBox]
    rows: dict[int, NDArray[np.float64]]
    columns: dict[int, NDArray[np.float64]]


def load_film(domain: Domain) -> Film:
    """Pixel grids that cover the mapped area with a margin."""
    to_degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    lon, _ = to_degrees.transform(*domain.center)
    epsg = 32601 + int((lon + 180) // 6)
    reach = domain.half + MARGIN_M
    x, y = domain.center
    back = Transformer.from_crs(f"EPSG:{epsg}", CRS, always_xy=True)
    forth = Transformer.from_crs(CRS, f"EPSG:{epsg}", always_xy=True)
    west, south, east, north = forth.transform_bounds(
        x - reach, y - reach, x + reach, y + reach, densify_pts=21
    )
    west, north = math.floor(west / 20) * 20, math.ceil(north / 20) * 20
    across, down = math.ceil((east - west) / 20), math.ceil((north - south) / 20)
    boxes, rows, columns = {}, {}, {}
    for size in (10, 20):
        shape = (down * 20 // size, across * 20 // size)
        boxes[size] = GeoBox(shape, Affine(size, 0, west, 0, -size, north), f"EPSG:{epsg}")
        centers_x = west + (np.arange(shape[1]) + 0.5) * size
        centers_y = north - (np.arange(shape[0]) + 0.5) * size
        grid_x, grid_y = np.meshgrid(centers_x, centers_y)
        east_, north_ = back.transform(grid_x.ravel(), grid_y.ravel())
        columns[size] = ((east_ - domain.west) / FINE).reshape(shape)
        rows[size] = ((domain.north - north_) / FINE).reshape(shape)
    return Film(epsg, boxes, rows, columns)


@njit(fastmath=True, cache=True)
def _expose(
    label: NDArray[np.int32],
    texture: NDArray[np.int8],
    greenness: NDArray[np.int8],
    mean: NDArray[np.float32],
    green: NDArray[np.float32],
    strength: NDArray[np.float32],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    sigma: float,
    stride: int,
    out: NDArray[np.float32],
) -> None:
    """Sum the landscape under a Gaussian point spread at each pixel centre; NaN outside."""
    height, width = label.shape
    bands = mean.shape[1]
    reach = math.ceil(2.6 * sigma / stride)
    taps = 2 * reach + 1
    wy = np.empty(taps, np.float32)
    wx = np.empty(taps, np.float32)
    total = np.empty(bands, np.float32)
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            py, px = rows[i, j], columns[i, j]
            r0 = math.floor(py) - reach * stride
            c0 = math.floor(px) - reach * stride
            if r0 < 0 or c0 < 0 or r0 + (taps - 1) * stride >= height:
                out[:, i, j] = np.nan
                continue
            if c0 + (taps - 1) * stride >= width:
                out[:, i, j] = np.nan
                continue
            for k in range(taps):
                dy = (r0 + k * stride + 0.5 - py) / sigma
                dx = (c0 + k * stride + 0.5 - px) / sigma
                wy[k] = math.exp(-0.5 * dy * dy)
                wx[k] = math.exp(-0.5 * dx * dx)
            total[:] = 0
            weight = np.float32(0)
            for k in range(taps):
                for m in range(taps):
                    r, c = r0 + k * stride, c0 + m * stride
                    w = wy[k] * wx[m]
                    u = label[r, c]
                    bright = w * (1 + strength[u] * texture[r, c] * np.float32(1 / 40))
                    lush = w * greenness[r, c] * np.float32(1 / 40)
                    weight += w
                    for b in range(bands):
                        total[b] += bright * mean[u, b] + lush * green[u, b]
            for b in range(bands):
                out[b, i, j] = total[b] / weight


def textures(domain: Domain, seed: Seed) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Brightness and greenness within objects, in fortieths of a standard deviation, int8."""
    axis = domain.axis(FINE)
    crowns = fractal(axis, axis, 9, seed.at("texture", "crowns"), octaves=1)
    crowns += 0.6 * fractal(axis, axis, 60, seed.at("texture", "broad"), octaves=3)
    lush = fractal(axis, axis, 160, seed.at("texture", "lush"), octaves=4, gain=0.65)
    return _packed(crowns / np.float32(1.17)), _packed(lush)


def _packed(field: FloatArray) -> NDArray[np.int8]:
    return np.clip(np.round(field * 40), -127, 127).astype(np.int8)


@dataclass(frozen=True)
class Scene:
    """Surfaces of a year as the camera takes them in: units and texture within them."""

    label: IntArray
    texture: NDArray[np.int8]
    greenness: NDArray[np.int8]


@dataclass(frozen=True)
class Weather:
    """Sky on a date: share of clouds and of thin cirrus, snow on the ground, height of the sun."""

    cloud: float
    cirrus: float
    snow: float
    day: float
    sun: float


@dataclass(frozen=True)
class Image:
    """One date: reflectance of each band (float32, NaN outside) and the scene classification."""

    bands: dict[str, FloatArray]
    scl: NDArray[np.uint8]
    cloud_cover: float


def take(scene: Scene, spectra: Spectra, film: Film, weather: Weather, seed: Seed) -> Image:
    """Take one image."""
    rng = seed.rng("take")
    shift = rng.normal(0, SHIFT_PX * 10 / FINE, 2)
    bands: dict[str, FloatArray] = {}
    for size in (10, 20):
        chosen = [i for i, b in enumerate(BANDS) if RESOLUTION[b] == size]
        out = np.empty((len(chosen), *film.boxes[size].shape), np.float32)
        # Gaussian whose transfer at Nyquist is the MTF: exp(-2 pi² s² f²) at f = 1 / (2 size).
        sigma = size / FINE * math.sqrt(-2 * math.log(MTF[size])) / math.pi
        _expose(
            scene.label,
            scene.texture,
            scene.greenness,
            np.ascontiguousarray(spectra.mean[:, chosen]),
            np.ascontiguousarray(spectra.green[:, chosen]),
            spectra.texture,
            film.rows[size] + shift[0],
            film.columns[size] + shift[1],
            sigma,
            size // 10,
            out,
        )
        bands.update({BANDS[i]: out[n] for n, i in enumerate(chosen)})
    sky = _sky(film, weather, seed)
    for name, band in bands.items():
        bands[name] = _through(band, sky, RESOLUTION[name], BANDS.index(name), weather, rng)
    return Image(bands, _classify(bands, sky, rng), float(np.mean(sky.cloud[20] > 0.35) * 100))


@dataclass(frozen=True)
class Sky:
    """Opacity of clouds, depth of shadows and of cirrus for each pixel size, 0 … 1."""

    cloud: dict[int, FloatArray]
    shadow: dict[int, FloatArray]
    cirrus: dict[int, FloatArray]


def _sky(film: Film, weather: Weather, seed: Seed) -> Sky:
    box = film.boxes[20]
    y, x = (np.arange(n + 80) * 20.0 for n in box.shape)
    field = uniform(fractal(y, x, 2300, seed.at("clouds"), octaves=6, gain=0.6))
    # Fields over small squares are not uniform: set the share by rank.
    level = np.quantile(field[40:-40, 40:-40], 1 - min(weather.cloud, 0.999))
    depth = np.clip((field - level) / 0.05, 0, 1) if weather.cloud > 0.002 else 0 * field
    depth = depth.astype(np.float32)
    veil = uniform(fractal(y, x, 4200, seed.at("cirrus"), octaves=3))
    veil = np.clip((veil - 1 + weather.cirrus) / 0.3, 0, 1).astype(np.float32)
    # Shadows fall away from the sun: to the north and a little west in the morning.
    rng = seed.rng("shadow")
    reach = rng.uniform(500, 1100) / max(math.tan(math.radians(max(weather.sun, 22))), 0.4)
    down, right = -reach / 20 * 0.93, -reach / 20 * 0.35
    shadow = ndimage.shift(depth, (max(down, -38), max(right, -38)), order=1, mode="nearest")
    inner = (slice(40, -40), slice(40, -40))
    cloud, dark, thin = depth[inner], shadow[inner] * (1 - depth[inner]), veil[inner]
    return Sky(
        {20: cloud, 10: _double(cloud)},
        {20: dark, 10: _double(dark)},
        {20: thin, 10: _double(thin)},
    )


def _double(field: FloatArray) -> FloatArray:
    fine: FloatArray = np.repeat(np.repeat(field, 2, axis=0), 2, axis=1)
    smooth: FloatArray = ndimage.uniform_filter(fine, 3, mode="nearest")
    return smooth


_CLOUD = np.array([0.62, 0.60, 0.60, 0.61, 0.62, 0.63, 0.64, 0.65, 0.52, 0.40], np.float32)
_CIRRUS = np.array([0.10, 0.09, 0.085, 0.08, 0.075, 0.075, 0.07, 0.07, 0.02, 0.012], np.float32)
_HAZE = np.array([1.0, 0.7, 0.5, 0.45, 0.35, 0.3, 0.25, 0.25, 0.1, 0.05], np.float32)


def _through(
    band: FloatArray,
    sky: Sky,
    size: int,
    position: int,
    weather: Weather,
    rng: np.random.Generator,
) -> FloatArray:
    """The band as it leaves the atmosphere correction: not quite clean."""
    gain = np.float32(rng.normal(1, 0.015))
    haze = np.float32(abs(rng.normal(0, 0.004)) * _HAZE[position])
    cloud, shadow, cirrus = sky.cloud[size], sky.shadow[size], sky.cirrus[size]
    value = band * gain * (1 - np.float32(0.62) * shadow) + haze
    value = value + _CIRRUS[position] * cirrus
    value = value * (1 - cloud) + cloud * _CLOUD[position]
    noise = rng.standard_normal(band.shape, dtype=np.float32)
    low_sun = np.float32(1.0 if weather.sun > 25 else 1.6)
    result: FloatArray = value + noise * low_sun * (np.float32(0.0015) + np.float32(0.008) * value)
    return result


def _classify(
    bands: dict[str, FloatArray], sky: Sky, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Scene classification at 20 m with the codes of the product; thin edges are missed."""
    red, near = (_half(bands[b]) for b in ("B04", "B08"))
    green, swir = _half(bands["B03"]), bands["B11"]
    valid = np.isfinite(red) & np.isfinite(swir)
    red, near, green, swir = (np.nan_to_num(v, nan=0.1) for v in (red, near, green, swir))
    ndvi = (near - red) / np.maximum(near + red, 1e-3)
    ndsi = (green - swir) / np.maximum(green + swir, 1e-3)
    scl = np.where(ndvi > 0.32, 4, 5).astype(np.uint8)
    scl[(near < 0.11) & (swir < 0.07) & (ndvi < 0.32)] = 6
    scl[(ndsi > 0.4) & (green > 0.2)] = 11
    # The detector is not sure where clouds are thin: its threshold varies from place to place.
    wobble = ndimage.gaussian_filter(rng.standard_normal(scl.shape), 3) * 1.2
    cloud, shadow, cirrus = sky.cloud[20], sky.shadow[20], sky.cirrus[20]
    scl[cirrus + 0.1 * wobble > 0.45] = 10
    scl[shadow + 0.15 * wobble > 0.40] = 3
    scl[cloud + 0.12 * wobble > 0.32] = 8
    scl[cloud + 0.12 * wobble > 0.75] = 9
    bright = (red > 0.26) & (ndvi < 0.2) & (scl == 5)
    scl[bright & (rng.random(scl.shape) < 0.4)] = 8
    scl[~valid] = 0
    return scl


def _half(band: FloatArray) -> FloatArray:
    rows, columns = band.shape
    mean: FloatArray = band.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    return mean
