import math

import numpy as np
import pytest

from bocage.simulate import _expose as module
from bocage.simulate._expose import STRIDES, Scene, expose, hidden_water, textures
from bocage.simulate._film import load_films
from bocage.simulate._flood import FloodPlain
from bocage.simulate._instrument import bands, of_size
from bocage.simulate._spectra import Spectra
from bocage.simulate._tables import BANDS


def plain_scene(domain, label):
    zero = np.zeros(label.shape, np.int8)
    rise = np.full((domain.count(20),) * 2, np.inf, np.float32)
    hidden = np.zeros(int(label.max()) + 1, np.float32)
    return Scene(domain, label.astype(np.int32), zero, zero, hidden, FloodPlain(rise))


@pytest.mark.parametrize("size", [10, 20, 60])
def test_the_point_spread_of_each_band_has_its_mtf(size):
    # A wave at the Nyquist frequency: two pixels long.
    count = 700
    wave = 100 + np.rint(100 * np.cos(2 * math.pi * np.arange(count) * 2.5 / (2 * size)))
    label = np.broadcast_to(wave.astype(np.int32), (count, count)).copy()
    chosen = of_size(size)
    mean = np.repeat(np.arange(201, dtype=np.float32)[:, None] / 100, len(chosen), axis=1)
    columns = np.arange(200, 500, 0.5)[None, :]
    out = np.empty((len(chosen), 1, columns.size), np.float32)
    zero = np.zeros(label.shape, np.int8)
    mtf = np.array([bands()[i].mtf for i in chosen])
    spreads = [bands()[i].spread for i in chosen]
    mix = ((mtf - mtf.min()) / np.ptp(mtf)).astype(np.float32)
    module._expose(
        label,
        zero,
        zero,
        mean,
        mean * 0,
        mean[:, 0] * 0,
        np.full_like(columns, 350.0),
        columns,
        (min(spreads), max(spreads)),
        mix,
        (0.0, 0.0),
        STRIDES[size],
        out,
    )
    for n, value in enumerate(mtf):
        seen = (out[n].max() - out[n].min()) / 2
        assert seen == pytest.approx(value, abs=0.012), BANDS[chosen[n]]
        assert out[n].mean() == pytest.approx(1.0, abs=0.02)


def test_compiled_exposure_is_that_of_a_plain_sum():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 3, (60, 60)).astype(np.int32)
    texture, lush = (rng.integers(-60, 60, (60, 60)).astype(np.int8) for _ in range(2))
    mean = rng.random((3, 2)).astype(np.float32)
    green = mean * np.float32(0.1)
    strength = np.array([0.1, 0.2, 0.0], np.float32)
    rows, columns = np.array([[30.2, 30.9], [2.0, 59.0]]), np.array([[28.0, 33.3], [30.0, 30.0]])
    out = np.empty((2, 2, 2), np.float32)
    spreads, mix, shift = (2.0, 2.6), np.array([1.0, 0.3], np.float32), (0.4, -0.7)
    module._expose(
        label, texture, lush, mean, green, strength, rows, columns, spreads, mix, shift, 1, out
    )
    assert np.isnan(out[:, 1]).all()
    light = mean[label] * (1 + strength[label] * texture / 40)[..., None]
    light = light + green[label] * (lush / 40)[..., None]
    grid = np.arange(60) + 0.5
    for j in range(2):
        y, x = rows[0, j] + shift[0], columns[0, j] + shift[1]
        reach = math.ceil(2.6 * spreads[1])
        weights = []
        for spread in spreads:
            wy, wx = (
                np.exp(-0.5 * ((grid - v) / spread) ** 2)
                * (np.abs(np.floor(grid) - math.floor(v)) <= reach)
                for v in (y, x)
            )
            weights.append(np.outer(wy / wy.sum(), wx / wx.sum()))
        for b in range(2):
            weight = mix[b] * weights[0] + (1 - mix[b]) * weights[1]
            assert out[b, 0, j] == pytest.approx((weight * light[..., b]).sum(), abs=1e-4)


def test_a_misregistered_image_is_moved(domain):
    (film,) = load_films(domain)
    count = domain.count(2.5)
    label = np.broadcast_to(np.arange(count) // 8 % 2, (count, count))
    scene = plain_scene(domain, label)
    mean = np.array([[0.1], [0.5]], np.float32).repeat(len(BANDS), 1)
    looks = Spectra(mean, mean * 0, mean[:, 0] * 0)
    at = expose(scene, looks, film, 10, (0.0, 0.0))
    # Strips of 20 m: a shift by 20 m turns them round.
    moved = expose(scene, looks, film, 10, (0.0, 20.0))
    assert set(at) == {"B02", "B03", "B04", "B08"}
    seen = np.isfinite(at["B04"]) & np.isfinite(moved["B04"])
    assert np.corrcoef(at["B04"][seen], moved["B04"][seen])[0, 1] < -0.9


def test_plants_hide_water_under_them(domain):
    (film,) = load_films(domain)
    label = np.zeros((domain.count(2.5),) * 2, int)
    label[:, label.shape[1] // 2 :] = 1
    scene = plain_scene(domain, label)
    scene.hidden[1] = 0.6
    share = hidden_water(scene, film)
    middle = share[share.shape[0] // 2]
    assert middle[len(middle) // 4] == pytest.approx(0, abs=0.01)
    assert middle[3 * len(middle) // 4] == pytest.approx(0.6, abs=0.01)


def test_textures_are_standard(domain, seed):
    crowns, lush = textures(domain, seed)
    assert crowns.dtype == lush.dtype == np.int8
    assert 30 < crowns.std() < 50
    assert 28 < lush.std() < 52
