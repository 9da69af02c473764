import numpy as np
import pytest

from bocage.simulate._relief import light_on, relief_of
from bocage.simulate._scl import CLEAR, Scl, classify
from bocage.simulate._sky import Sky
from bocage.simulate._tables import BANDS, RESOLUTION

SIDE = 120

LOOKS = {
    # blue, green, red, near infrared, shortwave infrared
    "meadow": (0.03, 0.06, 0.04, 0.35, 0.18),
    "soil": (0.07, 0.10, 0.13, 0.19, 0.26),
    "water": (0.04, 0.04, 0.03, 0.02, 0.01),
    "snow": (0.80, 0.80, 0.78, 0.70, 0.10),
    "roof": (0.32, 0.33, 0.34, 0.36, 0.36),
    "shade": (0.02, 0.025, 0.018, 0.06, 0.03),
}


def classes(name, relief=None, sun=50.0, azimuth=180.0, cloud=0.0, sought=0.0, cirrus=0.0):
    blue, green, red, near, swir = LOOKS[name]
    values = dict.fromkeys(BANDS, near) | {"B02": blue, "B03": green, "B04": red}
    values |= {"B11": swir, "B12": swir}
    bands = {
        b: np.full((SIDE * 20 // RESOLUTION[b],) * 2, v, np.float32) for b, v in values.items()
    }
    relief = relief or relief_of(np.zeros((SIDE, SIDE), np.float32))
    flat = [np.full((SIDE, SIDE), v, np.float32) for v in (cloud, 0.0, cirrus, 0.0, sought)]
    sky = Sky({20: flat[0]}, {20: flat[1]}, {20: flat[2]}, {20: flat[3]}, flat[4])
    light = light_on(relief, sun, azimuth)
    return classify(bands, sky, relief, light, np.random.default_rng(1))


def share(scl, *kinds):
    return np.isin(scl, kinds).mean()


@pytest.mark.parametrize(
    ("name", "kind", "least"),
    [
        ("meadow", Scl.VEGETATION, 0.99),
        ("soil", Scl.BARE, 0.8),
        ("water", Scl.WATER, 0.9),
        ("snow", Scl.SNOW, 0.8),
    ],
)
def test_surfaces_mostly_have_their_class(name, kind, least):
    assert share(classes(name), kind) >= least


def test_bright_roofs_are_taken_for_clouds():
    assert share(classes("roof"), Scl.CLOUD_LIKELY) > 0.6
    assert share(classes("soil"), Scl.CLOUD_LIKELY, Scl.CLOUD) == 0


def test_snow_is_sometimes_taken_for_cloud():
    assert 0.02 < share(classes("snow"), Scl.CLOUD_LIKELY) < 0.25


def test_thick_clouds_are_found_and_thin_ones_partly():
    found = [
        share(classes("meadow", cloud=c), Scl.CLOUD, Scl.CLOUD_LIKELY) for c in (0.1, 0.34, 0.9)
    ]
    assert found[0] < 0.1
    assert 0.3 < found[1] < 0.7
    assert found[2] > 0.98


def test_shadow_and_cirrus_are_classes():
    assert share(classes("shade", sought=0.9), Scl.SHADOW) > 0.9
    assert share(classes("meadow", cirrus=0.9), Scl.CIRRUS) > 0.95
    # A test of brightness keeps bright land out of shadow.
    assert share(classes("roof", sought=0.9), Scl.SHADOW) == 0


def test_dark_slopes_are_taken_for_water_and_shadow():
    rise = np.repeat(np.arange(SIDE)[:, None] * 12.0, SIDE, axis=1).astype(np.float32)
    steep = classes("shade", relief=relief_of(rise), sun=25.0)
    flat = classes("shade", sun=25.0)
    assert share(steep, Scl.WATER) > 0.05
    assert share(steep, Scl.SHADOW) > 0.05
    assert share(flat, Scl.WATER, Scl.SHADOW) < 0.02


def test_clear_classes_show_the_ground():
    assert set(CLEAR) == {4, 5, 6}
