from __future__ import annotations

import numpy as np

from bocage.generalize._store import Store
from bocage.generalize._window import Tiles, Window, cut


def test_windows_of_files(tmp_path):
    store = Store.create(tmp_path, (2, 5, 7))
    around = Window(-1, 6, -1, 8)
    assert store.read("classes", around).shape == (2, 7, 9)
    assert (store.read("classes", around) == 255).all()
    assert (store.read("labels", around) == -1).all()
    assert not store.read("drawn", around).any()
    window, values = Window(1, 3, 2, 6), np.arange(16, dtype=np.uint8).reshape(2, 2, 4)
    store.write("classes", window, values)
    store.write("drawn", window, values[0] > 3)
    classes = store.read("classes", Window(0, 3, 0, 6))
    np.testing.assert_array_equal(classes[:, 1:, 2:], values)
    assert (classes[:, 0] == 255).all()
    np.testing.assert_array_equal(store.read("drawn", window), values[0] > 3)


def test_a_window_beyond_everything_is_empty(tmp_path):
    assert (cut(np.zeros((3, 3), np.uint8), Window(5, 7, -4, -1), 9) == 9).all()


def test_tiles_are_as_equal_as_can_be():
    tiles = Tiles.of((10, 7), 4)
    assert tiles.rows == (0, 3, 6, 10)
    assert tiles.columns == (0, 3, 7)
    assert tiles.shape == (10, 7)
    assert sum(w.shape[0] * w.shape[1] for w in tiles.windows()) == 70
    assert Tiles.of((3, 3), 100).windows() == [Window(0, 3, 0, 3)]
