import numpy as np
import pytest
from scipy import ndimage

from bocage.simulate._change import PIXELS_HA, _order, rewind
from bocage.simulate._tables import land_index


def test_patches_are_large_and_small(landscape, later):
    label, count = ndimage.label(landscape.land != later.land)
    assert count >= 3
    size = np.bincount(label.ravel())[1:] / PIXELS_HA
    assert size.max() > 0.25
    assert later.land.shape == landscape.land.shape
    assert (later.cover[landscape.land != later.land] == 255).all()


def test_the_first_year_is_left_alone(landscape, later):
    assert later.land is not landscape.land
    assert len(later.angle) > len(landscape.angle)


def test_an_older_state_differs_by_the_rules_run_backwards(landscape, inside, seed):
    older = rewind(landscape, inside, 0.02, seed)
    changed = older != landscape.land
    assert 0.005 < changed[inside].mean() <= 0.021
    index = land_index()
    clear = changed & (landscape.land == index["clearcut"])
    woods = [index[k] for k in ("forest_c", "forest_m", "forest_b", "plant_b", "damaged")]
    assert np.isin(older[clear], woods).all()


@pytest.mark.parametrize("shape", ["town", "beside"])
def test_towns_and_quarries_grow_from_their_edge(shape):
    here = np.zeros((20, 20), bool)
    here[:, 5:] = True
    there = ~here
    order = _order(shape, here, there, 0.0, np.random.default_rng(1), 1)
    first = np.argsort(np.where(here, order, np.inf), axis=None)[:20]
    assert (first % 20).mean() < 8


def test_a_blob_grows_from_the_middle():
    here = np.ones((41, 41), bool)
    order = _order("blob", here, ~here, 0.0, np.random.default_rng(1), 1)
    row, column = np.unravel_index(int(np.argmin(order)), order.shape)
    assert abs(row - 20) < 10
    assert abs(column - 20) < 10


def test_an_object_is_cut_straight():
    here = np.ones((10, 10), bool)
    order = _order("object", here, ~here, 0.0, np.random.default_rng(1), 1)
    assert np.ptp(order, axis=0).max() < 1e-9 or np.ptp(order, axis=1).max() < 1e-9
