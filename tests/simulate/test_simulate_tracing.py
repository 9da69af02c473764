import numpy as np
import pytest
import shapely

from bocage.simulate._domain import Domain
from bocage.simulate._tracing import relabelled, sieved, traced


@pytest.fixture(scope="module")
def plots():
    rng = np.random.default_rng(2)
    coarse = rng.integers(1, 5, (49, 49)).astype(np.uint8)
    return np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)


def test_no_unit_is_too_small(plots):
    from scipy import ndimage

    result = sieved(plots, 200)
    for code in np.unique(result):
        label, count = ndimage.label(result == code)
        size = np.bincount(label.ravel())[1:]
        assert count == 0 or size.min() >= 200


def test_units_outside_the_mask_take_no_part(plots):
    mask = np.zeros(plots.shape, bool)
    mask[:100] = True
    result = sieved(np.where(mask, plots, 0).astype(np.uint8), 200, mask)
    assert (result[100:] == 0).all()
    assert (result[:100] > 0).all()


def test_units_change_their_class_as_a_whole(plots):
    told = {}

    def change(kind, area):
        told["area"] = area
        return np.where(area > 2000, 7, kind)

    result = relabelled(plots, 5.0, change)
    assert told["area"].sum() == plots.size * 25
    assert (result == 7).mean() > 0.3
    assert set(np.unique(result)) <= {1, 2, 3, 4, 7}
    empty = np.zeros((4, 4), np.uint8)
    assert relabelled(empty, 5.0, change) is empty


def test_outlines_tile_the_square(plots):
    domain = Domain.around((4640000, 2930000), 1)
    frame = traced(plots, domain, 5.0, 4.0)
    assert frame.geometry.is_valid.all()
    assert frame.crs.to_epsg() == 3035
    assert frame.area.sum() == pytest.approx(domain.side**2, rel=1e-4)
    assert shapely.union_all(frame.geometry).area == pytest.approx(frame.area.sum(), rel=1e-9)
    nothing = traced(np.zeros_like(plots), domain, 5.0, 4.0)
    assert len(nothing) == 0
