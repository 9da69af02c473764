import numpy as np
import pytest
import shapely
from shapely import LineString

from bocage.simulate._redraw import inside, redrawn, with_gap


def test_lines_move_by_a_smooth_error():
    line = LineString([[0, 0], [8000, 0]])
    drawn = shapely.get_coordinates(redrawn(line, 5.0, 3))
    assert np.std(drawn[:, 1]) == pytest.approx(5, rel=0.4)
    assert np.std(np.diff(drawn[:, 1])) < 0.6 * np.std(drawn[:, 1])


def test_pieces_of_long_lines_may_be_missing():
    line = LineString([[0, 0], [4000, 0]])
    rng = np.random.default_rng(0)
    left = [sum(p.length for p in with_gap(line, 0.06, rng)) for _ in range(50)]
    assert min(left) < 3950
    assert max(left) <= 4000
    short = LineString([[0, 0], [100, 0]])
    assert with_gap(short, 0.06, rng) == [short]


def test_gaps_make_up_the_missing_share():
    line = LineString([[0, 0], [1000, 0]])
    rng = np.random.default_rng(1)
    left = sum(sum(p.length for p in with_gap(line, 0.06, rng)) for _ in range(3000))
    assert left / 3e6 == pytest.approx(0.94, abs=0.01)


def test_short_pieces_are_not_drawn():
    square = shapely.box(0, 0, 100, 100)
    assert inside(LineString([[90, 50], [200, 50]]), square) == []
    assert len(inside(LineString([[50, 50], [200, 50]]), square)) == 1
    assert inside(LineString([[300, 50], [400, 50]]), square) == []
