import math

import numpy as np
import pytest

from bocage.simulate._film import load_films
from bocage.simulate._relief import RESIDUAL, light_on, load_relief, relief_of


def ramp(east, south, size=40):
    """A plane that rises to the east and to the south, metres a metre."""
    across = np.arange(size) * 20.0
    return (east * across[None, :] + south * across[:, None]).astype(np.float32)


def test_flat_land_is_lit_as_it_is():
    light = light_on(relief_of(ramp(0, 0)), 40, 150)
    assert np.allclose(light.direct, 1)
    assert np.allclose(light.factor(0.2), 1)
    assert not light.shadow.any()


def test_slopes_that_face_the_sun_are_brighter_by_the_cosine():
    # A slope of 45° that falls to the south, the sun at 45° in the south: straight on it.
    light = light_on(relief_of(ramp(0, -1)), 45, 180)
    assert light.direct[20, 20] == pytest.approx(1 / math.sin(math.radians(45)), abs=0.01)
    away = light_on(relief_of(ramp(0, 1)), 45, 180)
    assert away.direct[20, 20] < 0.02
    east = light_on(relief_of(ramp(-0.3, 0)), 45, 90).direct[20, 20]
    west = light_on(relief_of(ramp(-0.3, 0)), 45, 270).direct[20, 20]
    assert east > 1.2 > 0.8 > west


def test_the_correction_leaves_a_part_less_in_diffuse_light():
    light = light_on(relief_of(ramp(0, 0.3)), 50, 180)
    effect = 1 - light.direct[20, 20]
    assert 1 - light.factor(0.0)[20, 20] == pytest.approx(RESIDUAL * effect, abs=1e-3)
    assert light.factor(0.4)[20, 20] > light.factor(0.0)[20, 20]


def test_mountains_throw_shadows_away_from_the_sun():
    height = np.zeros((80, 80), np.float32)
    height[40:43, 20:60] = 300
    low = light_on(relief_of(height), 20, 180)
    # 300 m at 20° reach 820 m to the north: 41 pixels.
    assert low.shadow[20:38, 40].mean() > 0.9
    assert not low.shadow[46:, 40].any()
    assert not light_on(relief_of(height), 60, 180).shadow[20, 40]
    assert low.factor(0.1)[25, 40] < 0.5


def test_the_relief_lies_on_the_film(domain, landscape):
    (film,) = load_films(domain)
    relief = load_relief(film, landscape)
    assert relief.height.shape == film.boxes[20].shape
    row, column = (int(film.rows[20][30, 30] / 8), int(film.columns[20][30, 30] / 8))
    assert relief.height[30, 30] == pytest.approx(landscape.height[row, column], abs=8)
    length = relief.east**2 + relief.north**2 + relief.up**2
    assert np.allclose(length, 1, atol=1e-5)
    assert 0 <= relief.slope.min() <= relief.slope.max() < 70
