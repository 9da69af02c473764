from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._film import load_films
from bocage.simulate._instrument import bands
from bocage.simulate._sky import sky_over, through
from bocage.simulate._tables import BANDS
from bocage.simulate._weather import Weather

CLEAR = Weather(day=180.0, sun=50.0, azimuth=180.0)


@pytest.fixture(scope="module")
def wide():
    domain = Domain.around((4640000, 2930000), 3)
    return domain, load_films(domain)[0]


@pytest.mark.parametrize("share", [0.1, 0.4, 0.6])
def test_clouds_have_the_share_asked_for(wide, share):
    domain, film = wide
    seen = [
        (sky_over(film, domain, replace(CLEAR, cloud=share), Seed(s)).cloud[20] > 0.35).mean()
        for s in range(5)
    ]
    assert np.mean(seen) == pytest.approx(share, abs=0.06)


def test_a_clear_sky_is_empty(wide):
    domain, film = wide
    sky = sky_over(film, domain, CLEAR, Seed(1))
    assert sky.cloud[10].max() == sky.shadow[60].max() == sky.cirrus[20].max() == 0


def test_shadows_fall_away_from_the_sun(wide):
    domain, film = wide
    found = []
    for seed in range(4):
        sky = sky_over(film, domain, replace(CLEAR, cloud=0.15, sun=60.0), Seed(seed))
        cloud, shadow = sky.cloud[20], sky.shadow[20]
        score = {
            shift: float((ndimage.shift(cloud, (shift, 0), order=1) * shadow).sum())
            for shift in range(-90, 91, 5)
        }
        found.append(max(score, key=score.__getitem__))
    # The sun is in the south: shadows lie to the north, at smaller rows.
    assert max(found) < -10


def test_zones_see_the_same_clouds():
    domain = Domain.around((4470310, 2767180), 2)
    films = load_films(domain)
    assert len(films) == 2
    weather = replace(CLEAR, cloud=0.4)
    samples = []
    for film in films:
        sky = sky_over(film, domain, weather, Seed(4))
        x, y = np.meshgrid(np.linspace(600, 2300, 30), np.linspace(600, 2300, 30))
        rows, columns = film.pixels(domain, x.ravel(), y.ravel(), 20)
        samples.append(sky.cloud[20][rows, columns])
    assert np.corrcoef(*samples)[0, 1] > 0.9


def expose_to(sky, name, weather, value=0.1):
    band = bands()[BANDS.index(name)]
    plain = np.full(sky.cloud[band.resolution_m].shape, value, np.float32)
    return through(plain, sky, band, weather, (1.0, 0.0), np.random.default_rng(1))


def test_clouds_are_bright_and_shadows_dark_most_of_all_in_the_infrared(wide):
    domain, film = wide
    weather = replace(CLEAR, cloud=0.4)
    sky = sky_over(film, domain, weather, Seed(2))
    swir, blue = expose_to(sky, "B11", weather), expose_to(sky, "B01", weather)
    assert np.median(swir[sky.cloud[20] > 0.9]) > 0.4
    dark = sky.shadow[20] > 0.9
    assert 0.01 < np.median(swir[dark]) < 0.05
    assert np.median(blue[sky.shadow[60] > 0.9]) > 1.2 * np.median(swir[dark])


def test_cirrus_and_haze_lift_the_blue(wide):
    domain, film = wide
    thin = replace(CLEAR, cirrus=0.9)
    sky = sky_over(film, domain, thin, Seed(3))
    assert expose_to(sky, "B02", thin, 0.03).max() > 0.09
    assert expose_to(sky, "B12", thin, 0.03).max() < 0.06
    hazy = replace(CLEAR, haze=0.02)
    sky = sky_over(film, domain, hazy, Seed(3))
    assert expose_to(sky, "B02", hazy).mean() == pytest.approx(0.12, abs=0.012)
    assert expose_to(sky, "B12", hazy).mean() == pytest.approx(0.1, abs=0.003)


def test_noise_is_that_of_the_instrument(wide):
    domain, film = wide
    sky = sky_over(film, domain, CLEAR, Seed(1))
    for name in ("B02", "B8A", "B12"):
        expected = bands()[BANDS.index(name)].noise(np.array([0.1], np.float32), 50)[0]
        assert expose_to(sky, name, CLEAR).std() == pytest.approx(expected, rel=0.05)
