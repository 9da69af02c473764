import numpy as np

from bocage.simulate._units import make_units


def test_units_are_pairs_of_object_and_cover():
    units = make_units(np.array([[5, 5, 2]], np.int32), np.array([[1, 2, 1]], np.uint8))
    assert units.label.tolist() == [[0, 1, 2]]
    assert units.obj.tolist() == [5, 5, 2]
    assert units.cover.tolist() == [1, 2, 1]
