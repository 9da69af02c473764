from __future__ import annotations

import numpy as np

from bocage.generalize._frame import make_frame, source_of
from bocage.generalize._places import pixels_in, window_around


def test_a_window_holds_a_place_and_ends_with_the_frame(toy, raster, square):
    frame = make_frame(source_of(raster(np.full((40, 60), 2)), None, None, legend=toy, reach_m=0))
    margin = int(np.flatnonzero(frame.domain.any(axis=1))[0])
    place = square(10, 20, 13, 22)
    window, where = window_around(place, frame.transform, frame.domain.shape, 4)
    assert (window.top, window.left) == (20 + margin - 4, 10 + margin - 4)
    found = np.zeros(frame.domain.shape, bool)
    found[window.rows, window.columns] = pixels_in(place, window.shape, where)
    assert np.argwhere(found).min(axis=0).tolist() == [20 + margin, 10 + margin]
    assert found.sum() == 6
    whole, _ = window_around(square(0, 0, 60, 40), frame.transform, found.shape, 100)
    assert whole == (0, found.shape[0], 0, found.shape[1])
