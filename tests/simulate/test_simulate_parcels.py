import numpy as np
import pytest

from bocage.simulate import _hedges, _parcels
from bocage.simulate._parcels import dense, field_parcels, stand_parcels, town_parcels
from bocage.simulate._tables import region
from bocage.simulate._towns import Town


def test_labels_are_numbered_in_order_of_appearance():
    label, names = dense(np.array([[7, 7, 3], [3, 9, 7]]))
    assert label.tolist() == [[0, 0, 1], [1, 2, 0]]
    assert names.tolist() == [7, 3, 9]


def test_fields_have_the_size_of_the_region(domain, seed):
    fields = field_parcels(domain, region("continental"), seed)
    size = np.bincount(fields.label.ravel()) * 6.25 / 1e4
    assert fields.label.max() + 1 == fields.count == len(fields.angle)
    assert size.min() >= 0.14
    assert 1.0 < np.average(size, weights=size) < 9.0


def test_stands_cover_everything(domain, seed):
    stands = stand_parcels(domain, seed)
    size = np.bincount(stands.label.ravel())
    assert (size > 0).all()
    assert 0.5 < np.average(size * 6.25 / 1e4, weights=size) < 12


def test_small_remnants_join_a_neighbour(seed):
    label = np.zeros((40, 40), np.int32)
    label[:, 20:] = 1
    label[10:12, 19:22] = 2
    joined = _parcels._join_small(label, 3, seed)
    assert set(np.unique(joined)) == {0, 1}
    assert joined[10, 19] == 0
    assert joined[10, 21] == 1


def test_blocks_lie_around_their_town(domain):
    middle = domain.side / 2
    towns = (Town(middle, middle, 200, 0.3), Town(middle + 500, middle, 60, 0.0))
    blocks, ratio = town_parcels(domain, towns)
    center = int(middle / 2.5)
    assert ratio[center, center] < 0.02
    assert blocks.label[0, 0] == 0
    assert blocks.angle[blocks.label[center, center]] == pytest.approx(0.3)
    far = int((middle + 500) / 2.5)
    assert blocks.angle[blocks.label[center, far]] == 0.0


@pytest.mark.parametrize("kernel", ["_strips"])
def test_compiled_strips_are_those_of_python(kernel):
    area = np.zeros((9, 9), np.int32)
    angle = np.array([0.4], np.float32)
    still = np.zeros((9, 9), np.float32)
    compiled, plain = np.zeros((9, 9), np.int64), np.zeros((9, 9), np.int64)
    run = getattr(_parcels, kernel)
    run(area, angle, still, still, 2.5, 6.0, 15.0, 3, compiled)
    run.py_func(area, angle, still, still, 2.5, 6.0, 15.0, 3, plain)
    assert np.array_equal(compiled, plain)
    assert len(np.unique(plain)) > 2


def test_hedges_stand_on_borders_of_fields():
    label = np.zeros((6, 6), np.int32)
    label[:, 3:] = 1
    farm = np.ones((6, 6), bool)
    for run in (_hedges._mark, _hedges._mark.py_func):
        marks = np.zeros((6, 6), np.uint8)
        run(label, farm, 1.0, 0.0, 3, marks)
        assert (marks[:5, 2] > 0).all()
        assert marks[:, [0, 1, 3, 4, 5]].sum() == 0
        marks[:] = 0
        run(label, farm, 0.0, 1.0, 3, marks)
        assert (marks[:5, 2] == 9).all()
        run(label, ~farm, 1.0, 0.0, 3, marks * 0)
