import math

import numpy as np
import pytest

from bocage.simulate import _camera
from bocage.simulate._camera import MTF, Scene, Weather, load_film, take, textures
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._spectra import Spectra
from bocage.simulate._tables import BANDS, region

CLEAR = Weather(cloud=0.0, cirrus=0.0, snow=0.0, day=180.0, sun=50.0)


@pytest.fixture(scope="module")
def film(domain):
    return load_film(domain)


def scene_of(label):
    zero = np.zeros(label.shape, np.int8)
    return Scene(label.astype(np.int32), zero, zero)


def spectra_of(values):
    mean = np.array(values, np.float32)[:, None].repeat(len(BANDS), 1)
    return Spectra(mean, np.zeros_like(mean), np.zeros(len(mean), np.float32))


def test_images_cover_the_area_with_a_margin(domain, film):
    assert film.epsg == 32633
    box = film.boxes[10].footprint("EPSG:3035").geom
    west, south, east, north = box.bounds
    reach = domain.half + 300
    assert west < domain.center[0] - reach
    assert east > domain.center[0] + reach
    assert south < domain.center[1] - reach
    assert north > domain.center[1] + reach
    assert film.boxes[10].shape[0] == 2 * film.boxes[20].shape[0]
    assert film.rows[10][0].mean() < film.rows[10][-1].mean()


@pytest.mark.parametrize(
    ("name", "epsg"), [("macaronesian", 32628), ("mediterranean", 32630), ("boreal", 32635)]
)
def test_each_place_has_its_zone(name, epsg):
    assert load_film(Domain.around(region(name).place, 1)).epsg == epsg


@pytest.mark.parametrize("size", [10, 20])
def test_the_point_spread_has_the_mtf_asked_for(size):
    # A wave at the Nyquist frequency: two pixels long.
    count = 400
    wave = 100 + np.rint(100 * np.cos(2 * math.pi * np.arange(count) * 2.5 / (2 * size)))
    label = np.broadcast_to(wave.astype(np.int32), (count, count)).copy()
    mean = np.arange(201, dtype=np.float32)[:, None] / 100
    columns = np.arange(120, 280, 1.0)[None, :]
    rows = np.full_like(columns, 200)
    out = np.empty((1, 1, columns.size), np.float32)
    zero = np.zeros(label.shape, np.int8)
    sigma = size / 2.5 * math.sqrt(-2 * math.log(MTF[size])) / math.pi
    _camera._expose(
        label, zero, zero, mean, mean * 0, mean[:, 0] * 0, rows, columns, sigma, size // 10, out
    )
    assert (out.max() - out.min()) / 2 == pytest.approx(MTF[size], abs=0.03)
    assert out.mean() == pytest.approx(1.0, abs=0.02)


def test_compiled_exposure_is_that_of_python():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 3, (60, 60)).astype(np.int32)
    texture = rng.integers(-60, 60, (60, 60)).astype(np.int8)
    mean = rng.random((3, 2)).astype(np.float32)
    strength = np.array([0.1, 0.2, 0.0], np.float32)
    rows, columns = np.array([[30.2, 30.9], [2.0, 59.0]]), np.array([[28.0, 33.3], [30.0, 30.0]])
    results = []
    for run in (_camera._expose, _camera._expose.py_func):
        out = np.empty((2, 2, 2), np.float32)
        run(label, texture, texture, mean, mean * 0.1, strength, rows, columns, 2.0, 1, out)
        results.append(out)
    assert np.isnan(results[0][:, 1]).all()
    assert np.allclose(*results, atol=1e-5, equal_nan=True)


def test_a_plain_surface_keeps_its_reflectance(domain, film):
    image = take(
        scene_of(np.zeros((domain.count(2.5),) * 2)), spectra_of([0.2]), film, CLEAR, Seed(1)
    )
    for band in image.bands.values():
        assert np.nanmean(band) == pytest.approx(0.2, abs=0.02)
        assert np.nanstd(band) < 0.006
    assert image.cloud_cover == 0
    seen = np.isfinite(image.bands["B04"])
    assert 0.8 < seen.mean() <= 1
    assert (image.scl[np.isnan(image.bands["B11"])] == 0).all()


def test_clouds_are_bright_throw_shadows_and_are_mostly_found(domain, film):
    weather = Weather(cloud=0.4, cirrus=0.0, snow=0.0, day=180.0, sun=50.0)
    scene = scene_of(np.zeros((domain.count(2.5),) * 2))
    image = take(scene, spectra_of([0.1]), film, weather, Seed(2))
    assert 25 < image.cloud_cover < 50
    cloud, shadow = np.isin(image.scl, (8, 9)), image.scl == 3
    assert np.nanmedian(image.bands["B11"][cloud]) > 0.3
    assert shadow.any()
    assert np.nanmedian(image.bands["B11"][shadow]) < 0.08
    bright = np.nan_to_num(image.bands["B11"]) > 0.3
    assert 0.85 < cloud[bright].mean() <= 1
    missed = (np.nan_to_num(image.bands["B11"]) > 0.13) & ~cloud & ~shadow & (image.scl > 0)
    assert 0 < missed.mean() < 0.15


def test_thin_cirrus_lifts_the_blue(domain, film):
    scene = scene_of(np.zeros((domain.count(2.5),) * 2))
    thin = Weather(cloud=0.0, cirrus=0.9, snow=0.0, day=180.0, sun=50.0)
    image = take(scene, spectra_of([0.05]), film, thin, Seed(3))
    assert (image.scl == 10).any()
    assert np.nanmax(image.bands["B02"]) > 0.1


def test_snow_water_and_soil_have_their_class(domain, film):
    half = np.zeros((domain.count(2.5),) * 2, int)
    half[:, half.shape[1] // 3 :] = 1
    half[:, 2 * half.shape[1] // 3 :] = 2
    mean = np.array([[0.02] * 10, [0.8] * 8 + [0.1] * 2, [0.2] * 10], np.float32)
    looks = Spectra(mean, mean * 0, mean[:, 0] * 0)
    image = take(scene_of(half), looks, film, CLEAR, Seed(4))
    middle = image.scl[image.scl.shape[0] // 2]
    found = [middle[int(len(middle) * f)] for f in (0.2, 0.5, 0.8)]
    assert found == [6, 11, 5]


def test_textures_are_standard(domain, seed):
    crowns, lush = textures(domain, seed)
    assert crowns.dtype == lush.dtype == np.int8
    assert 30 < crowns.std() < 50
    assert 28 < lush.std() < 52
