from __future__ import annotations

import numpy as np
import shapely

from bocage.generalize._assemble import _tight
from bocage.generalize._rules import View


def test_polygons_a_hair_from_the_limit_are_looked_at():
    outline = shapely.box(0, 0, 100, 100)
    # Two wide parts and a neck of four metres along the limit, beside it by less than the grid.
    wide = [shapely.box(2e-5, 2e-5, 40, 40), shapely.box(60, 2e-5, 99, 40)]
    neck = shapely.union_all([*wide, shapely.box(30, 2e-5, 70, 4)])
    assert not neck.intersects(outline.boundary)
    inner = shapely.box(20, 50, 80, 54)
    shapes, codes = np.array([neck, inner]), np.array([[1], [2]], np.uint8)
    views = (View((0,), 10.0, ()),)
    at_limit = _tight(shapes, codes, views, 10.0, outline)
    assert at_limit.polygon.tolist() == [neck]
    assert len(_tight(shapes, codes, views, 10.0, None)) == 2
