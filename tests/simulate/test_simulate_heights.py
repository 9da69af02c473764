import numpy as np
import pytest

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._heights import SPACING, heights
from bocage.simulate._streams import STEP

DOMAIN = Domain((4_321_010, 3_210_020), 500, 480)


def test_heights_are_those_of_the_relief_with_an_error_that_neighbours_share():
    south, east = np.meshgrid(DOMAIN.axis(STEP), DOMAIN.axis(STEP), indexing="ij")
    relief = 500 + 0.3 * east - 0.1 * south
    found = heights(relief, DOMAIN, Seed(1))
    box = DOMAIN.geobox(SPACING)
    assert found.shape == box.shape
    assert found.dtype == np.float32
    x = box.affine.c + (np.arange(box.shape.x) + 0.5) * SPACING - DOMAIN.west
    y = DOMAIN.north - box.affine.f + (np.arange(box.shape.y) + 0.5) * SPACING
    error = (found - (500 + 0.3 * x[None] - 0.1 * y[:, None]))[2:-2, 2:-2]
    assert error.std() == pytest.approx(1.2, rel=0.3)
    assert abs(error.mean()) < 0.4
    assert np.corrcoef(error[:, 1:].ravel(), error[:, :-1].ravel())[0, 1] > 0.4


def test_the_same_seed_gives_the_same_heights():
    relief = np.full((DOMAIN.count(STEP),) * 2, 100.0)
    first = heights(relief, DOMAIN, Seed(1))
    assert np.array_equal(first, heights(relief, DOMAIN, Seed(1)))
    assert not np.array_equal(first, heights(relief, DOMAIN, Seed(2)))
