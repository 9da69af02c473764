import math

import numpy as np
import pytest

from bocage.simulate._instrument import SIZES, bands, of_size, spread
from bocage.simulate._tables import BANDS, RESOLUTION


def test_every_band_has_its_row():
    assert tuple(b.band for b in bands()) == BANDS
    assert all(b.resolution_m == RESOLUTION[b.band] for b in bands())
    assert sorted(i for size in SIZES for i in of_size(size)) == list(range(len(BANDS)))


def test_bands_meet_the_requirement_of_the_mtf():
    for band in bands():
        assert 0.15 <= band.mtf <= 0.45, band.band
        sigma = spread(band.resolution_m, band.mtf) * 2.5
        nyquist = 1 / (2 * band.resolution_m)
        assert math.exp(-2 * (math.pi * sigma * nyquist) ** 2) == pytest.approx(band.mtf)


def test_noise_is_that_of_the_requirement_at_the_reference_radiance():
    for band in bands():
        gain = band.irradiance * math.sin(math.radians(40)) / math.pi
        reference = np.array([band.radiance / gain], np.float32)
        assert reference[0] / band.noise(reference, 40)[0] == pytest.approx(band.snr, rel=1e-3)


def test_noise_grows_with_light_and_with_a_low_sun():
    red = bands()[BANDS.index("B04")]
    dark, bright = (np.array([v], np.float32) for v in (0.02, 0.4))
    assert red.noise(bright, 50)[0] > 1.5 * red.noise(dark, 50)[0]
    assert red.noise(dark, 12)[0] > 1.5 * red.noise(dark, 50)[0]


def test_the_sky_gives_more_light_in_the_blue_and_under_a_low_sun():
    blue, swir = bands()[BANDS.index("B02")], bands()[BANDS.index("B11")]
    assert blue.diffuse(50) > 3 * swir.diffuse(50)
    assert blue.diffuse(15) > 1.5 * blue.diffuse(60)
