from dataclasses import replace

import numpy as np
import pytest

from bocage.simulate._camera import take
from bocage.simulate._domain import Seed
from bocage.simulate._expose import Scene, expose
from bocage.simulate._film import load_films
from bocage.simulate._flood import FloodPlain
from bocage.simulate._instrument import bands
from bocage.simulate._relief import relief_of
from bocage.simulate._spectra import Spectra
from bocage.simulate._tables import BANDS, RESOLUTION
from bocage.simulate._weather import Edge, Weather

CLEAR = Weather(day=180.0, sun=50.0)


@pytest.fixture(scope="module")
def film(domain):
    return load_films(domain)[0]


@pytest.fixture(scope="module")
def flat(film):
    return relief_of(np.zeros(film.boxes[20].shape, np.float32))


@pytest.fixture(scope="module")
def scene(domain):
    count = domain.count(2.5)
    zero = np.zeros((count, count), np.int8)
    rise = np.full((domain.count(20),) * 2, np.inf, np.float32)
    # A river of two cells, and land that a metre of water floods beside it.
    rise[30:32] = 0
    rise[32:52] = np.linspace(0.1, 2, 20)[:, None]
    label = np.zeros((count, count), np.int32)
    return Scene(domain, label, zero, zero, np.zeros(1, np.float32), FloodPlain(rise))


def one(value):
    mean = np.full((1, len(BANDS)), value, np.float32)
    return Spectra(mean, mean * 0, mean[:, 0] * 0)


def test_a_plain_surface_keeps_its_reflectance(scene, film, flat):
    image = take(scene, one(0.2), film, CLEAR, flat, Seed(1))
    assert set(image.bands) == set(BANDS)
    for name, band in image.bands.items():
        assert band.shape == film.boxes[RESOLUTION[name]].shape
        assert np.nanmean(band) == pytest.approx(0.2, abs=0.015)
        assert 0.0005 < np.nanstd(band) < 0.006
    assert image.cloud_cover == image.snow_cover == image.flood_cover == 0
    seen = np.isfinite(image.bands["B04"])
    assert 0.8 < seen.mean() <= 1
    assert (image.scl[np.isnan(image.bands["B11"])] == 0).all()


@pytest.mark.parametrize("size", [10, 20, 60])
def test_each_band_has_its_mtf_at_nyquist(scene, film, domain, size):
    # A wave two pixels long, and pixels that lie along its axis at all its phases.
    count, shape = domain.count(2.5), film.boxes[size].shape
    wave = 100 + np.rint(100 * np.cos(np.pi * np.arange(count) * 2.5 / size))
    label = np.broadcast_to(wave.astype(np.int32), (count, count)).copy()
    along = np.linspace(0.35, 0.65, shape[0] * shape[1]).reshape(shape) * count
    dense = replace(film, rows={size: along * 0 + count / 2}, columns={size: along})
    mean = np.repeat(np.arange(201, dtype=np.float32)[:, None] / 100, len(BANDS), axis=1)
    looks = Spectra(mean, mean * 0, mean[:, 0] * 0)
    found = expose(replace(scene, label=label), looks, dense, size, (0.0, 0.0))
    for name, value in found.items():
        mtf = bands()[BANDS.index(name)].mtf
        assert np.ptp(value) / 2 == pytest.approx(mtf, abs=0.012), name


def test_the_same_date_gives_the_same_image(scene, film, flat):
    first, again, other = (
        take(scene, one(0.2), film, replace(CLEAR, cloud=0.3), flat, Seed(s)) for s in (1, 1, 2)
    )
    assert np.array_equal(first.bands["B8A"], again.bands["B8A"], equal_nan=True)
    assert not np.array_equal(first.bands["B8A"], other.bands["B8A"], equal_nan=True)


def test_nothing_is_seen_beyond_the_edge_of_the_swath(scene, film, flat, domain):
    weather = replace(CLEAR, edge=Edge(x=domain.side / 2, east=True))
    image = take(scene, one(0.2), film, weather, flat, Seed(1))
    for name in ("B02", "B11", "B01"):
        seen = np.isfinite(image.bands[name])
        rows, columns = seen.shape
        assert not seen[rows // 2, columns // 4]
        assert seen[rows // 2, 3 * columns // 4]
        # It leans to the east in the north.
        assert seen[rows // 6].argmax() > seen[5 * rows // 6].argmax()
    assert 35 < image.nodata < 65
    assert ((image.scl == 0) == ~np.isfinite(image.bands["B11"])).mean() > 0.98


def test_a_flood_is_seen_as_water(scene, film, flat):
    dry = take(scene, one(0.25), film, CLEAR, flat, Seed(1))
    wet = take(scene, one(0.25), film, replace(CLEAR, flood=0.15), flat, Seed(1))
    assert dry.flood_cover == 0
    assert 5 < wet.flood_cover < 25
    low = np.nan_to_num(wet.bands["B11"], nan=1) < 0.06
    assert low.mean() * 100 == pytest.approx(wet.flood_cover, abs=4)
    assert (wet.scl[low] == 6).mean() > 0.8
    assert not (dry.scl == 6).any()


def test_slopes_in_the_shade_are_darker(scene, film):
    rows, columns = film.boxes[20].shape
    fall = np.repeat(np.arange(rows)[:, None] * 10.0, columns, axis=1)
    shade = relief_of(fall.astype(np.float32))
    sun = relief_of(-fall.astype(np.float32))
    north, south = (
        take(scene, one(0.2), film, replace(CLEAR, azimuth=180.0), r, Seed(1)) for r in (shade, sun)
    )
    ratio = np.nanmean(south.bands["B08"]) / np.nanmean(north.bands["B08"])
    assert 1.15 < ratio < 1.6
