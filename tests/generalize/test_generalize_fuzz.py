"""Thousands of small rasters of awkward shapes: what must hold of any coverage holds of theirs."""

from __future__ import annotations

import os
import sys
import time

import numpy as np
import pytest
import shapely
from scipy import ndimage

from bocage.generalize import GeneralizeSettings, _vector, generalize, load_rules
from bocage.generalize._smooth import shape

RASTERS = int(os.environ.get("BOCAGE_FUZZ", "10000"))
LARGEST = 40  # pixels a side
CLASSES = 6


def one_pixel(rng):
    return np.full((1, 1), rng.integers(0, CLASSES + 1))


def one_class(rng):
    return np.full(_sides(rng), rng.integers(0, CLASSES + 1))


def checkerboard(rng):
    y, x = _mesh(rng)
    cell = rng.integers(1, 12)
    return _two(rng, (y // cell + x // cell) % 2)


def spiral(rng):
    y, x = _mesh(rng)
    y, x = y - y.mean(), x - x.mean()
    turn = np.hypot(y, x) / rng.uniform(3, 12) + np.arctan2(y, x) / (2 * np.pi)
    return _two(rng, turn % 1 < rng.uniform(0.2, 0.8))


def rings(rng):
    y, x = _mesh(rng)
    distance = np.maximum(abs(y - y.mean()), abs(x - x.mean()))
    if rng.random() < 0.5:
        distance = np.hypot(y - y.mean(), x - x.mean())
    values = rng.integers(1, CLASSES + 1, 60)
    return values[(distance / rng.uniform(1, 8)).astype(int)]


def islands_without_data(rng):
    data = blobs(rng)
    holes = ndimage.gaussian_filter(rng.normal(size=data.shape), rng.uniform(0, 3))
    gone = holes > np.quantile(holes, rng.uniform(0.6, 1.0))
    gone.flat[rng.integers(data.size)] = False
    return np.where(gone, rng.choice([0, 255]), data)


def stripes(rng):
    y, x = _mesh(rng)
    return _two(rng, (y if rng.random() < 0.5 else x) // rng.integers(1, 9) % 2)


def comb(rng):
    y, x = _mesh(rng)
    teeth = (x // rng.integers(1, 9) % 2 == 0) & (y < y.max() * rng.uniform(0.4, 1.0))
    return _two(rng, teeth | (y < rng.integers(0, 8)))


def blobs(rng):
    shape, reach = _sides(rng), rng.uniform(0.3, 6)
    layers = [
        ndimage.gaussian_filter(rng.normal(size=shape), reach)
        for _ in range(rng.integers(1, CLASSES + 1))
    ]
    return np.argmax(layers, axis=0) + 1


def noise(rng):
    return rng.integers(0, CLASSES + 1, _sides(rng))


def diagonals(rng):
    y, x = _mesh(rng)
    slope = rng.uniform(-2, 2)
    data = np.full(y.shape, rng.integers(1, CLASSES + 1))
    for offset in rng.uniform(-60, 60, rng.integers(1, 6)):
        near = abs(y - slope * x - offset) < rng.uniform(0.5, 5) * np.hypot(1, slope)
        data = np.where(near, rng.integers(1, CLASSES + 1), data)
    return data


def threads(rng):
    """Borders a pixel apart, which simplification would let cross."""
    y, x = _mesh(rng)
    wave = rng.uniform(1, 6) * np.sin(x / rng.uniform(1, 6) + rng.uniform(0, 6)) + y.mean()
    values = rng.integers(1, CLASSES + 1, 4)
    return np.select([y < wave, y < wave + 1, y < wave + rng.integers(2, 5)], values[:3], values[3])


SHAPES = (
    one_pixel,
    one_class,
    checkerboard,
    spiral,
    rings,
    islands_without_data,
    stripes,
    comb,
    blobs,
    noise,
    diagonals,
    threads,
)


def _sides(rng):
    return tuple(rng.integers(1, LARGEST + 1, 2).tolist())


def _mesh(rng):
    return np.indices(_sides(rng))


def _two(rng, where):
    first, second = rng.integers(1, CLASSES + 1, 2)
    return np.where(where, first, second)


def _second_year(rng, data):
    """The same with some of it shifted or changed: small differences are the awkward ones."""
    if rng.random() < 0.3:
        return np.roll(data, rng.integers(-3, 4, 2), (0, 1))
    field = ndimage.gaussian_filter(rng.normal(size=data.shape), rng.uniform(0.5, 6))
    changed = field > np.quantile(field, rng.uniform(0.5, 1.0))
    return np.where(changed & (data != 255), rng.integers(1, CLASSES + 1), data)


def _area(rng, box):
    """A star around the middle of the raster."""
    west, south, east, north = box.bounds
    angle = np.sort(rng.random(rng.integers(3, 12))) * 2 * np.pi
    reach = rng.uniform(0.2, 0.8, len(angle))
    x = (west + east) / 2 + reach * np.cos(angle) * (east - west)
    y = (south + north) / 2 + reach * np.sin(angle) * (north - south)
    star = shapely.make_valid(shapely.Polygon(np.stack([x, y], axis=1)))
    star = shapely.set_precision(shapely.buffer(star, 0), 0.001)
    return star if shapely.area(star) >= 10 else None


def case(seed, raster, square):
    """Raster, area and settings of a seed."""
    rng = np.random.default_rng(seed)
    data = SHAPES[seed % len(SHAPES)](rng)
    years = [data, _second_year(rng, data)][: rng.integers(1, 3)]
    if all((year == 255).all() for year in years):
        years = [np.where(year == 255, 0, year) for year in years]
    box = square(0, 0, data.shape[1], data.shape[0])
    area = _area(rng, box) if rng.random() < 0.4 else None
    wanted = GeneralizeSettings(
        mmu_ha=float(rng.choice([0.0, 0.01, 0.03, 0.1, 0.5])),
        mmw_m=float(rng.choice([0.0, 10.0, 10.0])),
        tolerance_m=float(rng.choice([0.53, 0.53, 5.0])),
        rules=load_rules("plain"),
        reach_m=1000,
    )
    return raster(*years), area, wanted


def _extent(data, area, square):
    if area is not None:
        return area
    rows, columns = np.nonzero((data.values != 255).any(axis=0))
    return shapely.union_all(
        [square(x, y, x + 1, y + 1) for y, x in zip(rows, columns, strict=True)]
    )


@pytest.fixture
def backed_off(monkeypatch):
    """How many arcs were backed off to which level, since they would have clashed."""
    count = np.zeros(4, np.int64)

    def counting(*arguments, **more):
        found = shape(*arguments, **more)
        count[:] += np.bincount(found.level, minlength=4)
        return found

    monkeypatch.setattr(_vector, "shape", counting)
    return count


@pytest.mark.fuzz
def test_small_rasters(toy, raster, square, checker, narrow, capsys, backed_off):
    began, faults = time.perf_counter(), []
    for seed in range(RASTERS):
        data, area, wanted = case(seed, raster, square)
        extent = _extent(data, area, square)
        try:
            result = generalize(data, area, toy, wanted)
            again = generalize(data, area, toy, wanted)
            checker(result, extent, mmu_ha=wanted.mmu_ha)
            assert again.frame.to_wkb().equals(result.frame.to_wkb())
        except Exception as error:
            error.add_note(f"raster {seed}")
            raise
        if wanted.mmw_m and narrow(result, extent, mmw_m=wanted.mmw_m):
            faults.append(seed)
    spent = (time.perf_counter() - began) / max(RASTERS, 1)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{RASTERS} rasters, {spent * 1000:.0f} ms each, {len(faults)} too narrow, "
            f"arcs by level of their back-off {backed_off.tolist()}\n"
        )
    assert not faults, f"too narrow: rasters {faults[:20]}"
    assert RASTERS < 200 or (backed_off > 0).all()
