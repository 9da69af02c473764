import numpy as np
import pytest

from bocage.simulate import _paint
from bocage.simulate._paint import MOST, mixing_fields, paint_covers, recipe
from bocage.simulate._tables import cover_index, covers, land_index, region


def test_recipes_sum_to_one():
    table = recipe(region("continental").mixtures)
    assert np.allclose(table.share[:, -1], 1)
    assert (np.diff(table.share, axis=1) >= -1e-6).all()
    assert table.cover.shape == (len(land_index()), MOST)


def test_crops_rotate_and_nothing_else_changes(landscape, domain, seed):
    fields = mixing_fields(domain, seed)
    first = paint_covers(landscape, fields, 2021, seed)
    second = paint_covers(landscape, fields, 2024, seed)
    changed = first != second
    arable = landscape.land == land_index()["arable"]
    assert not changed[~arable].any()
    assert changed[arable].mean() > 0.4
    assert first.max() < len(covers())


def test_land_is_made_of_its_covers(landscape, domain, seed):
    drawn = paint_covers(landscape, mixing_fields(domain, seed), 2021, seed)
    mixtures, index = landscape.region.mixtures, cover_index()
    for key in ("urban", "forest_m", "arable", "forest_c"):
        there = (landscape.land == land_index()[key]) & (landscape.cover == 255)
        assert set(np.unique(drawn[there])) <= {index[c] for c in mixtures[key]}


@pytest.mark.parametrize("key", ["forest_b", "arable", "forest_m", "vineyard", "complex", "urban"])
def test_compiled_painter_is_that_of_python(key):
    land = np.full((6, 6), land_index()[key], np.uint8)
    obj = np.zeros((6, 6), np.int32)
    fields = np.arange(3 * 36, dtype=np.uint8).reshape(3, 6, 6)
    table = recipe(region("continental").mixtures)
    tables = (table.pattern, table.grain, table.field, table.share, table.cover)
    results = []
    for run in (_paint._paint, _paint._paint.py_func):
        out = np.full((6, 6), 255, np.uint8)
        run(land, obj, np.array([0.3], np.float32), fields, tables, 2021, 5, out)
        results.append(out)
    assert np.array_equal(*results)


def test_blocks_have_streets_roofs_and_gardens():
    build = _paint._built.py_func
    parts = {build(u, v, False, f, 1) for u in range(64) for v in range(96) for f in (0.1, 0.9)}
    assert parts == {0, 1, 2, 3, 4}
    assert build(1.0, 50.0, False, 0.5, 1) == 0
    halls = {build(u, v, True, f, 1) for u in range(64) for v in range(96) for f in (0.1, 0.7, 0.9)}
    assert halls == {0, 1, 2, 3, 4}
