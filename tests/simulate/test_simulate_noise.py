import numpy as np
import pytest

from bocage.simulate import _noise
from bocage.simulate._noise import cells, curve, fractal, hash3, uniform, unit


@pytest.fixture(scope="module")
def axis():
    return (np.arange(400) + 0.5) * 2.5


def test_fields_are_standard_and_depend_on_the_seed(axis):
    fields = np.stack([fractal(axis, axis, 60, seed) for seed in range(12)])
    assert fields.dtype == np.float32
    assert abs(fields.mean()) < 0.1
    assert 0.9 < fields.std() < 1.1
    assert np.array_equal(fractal(axis, axis, 60, 3), fields[3])
    assert abs(np.corrcoef(fields[0].ravel(), fields[1].ravel())[0, 1]) < 0.2


def test_a_field_is_smooth_at_its_wavelength(axis):
    field = fractal(axis, axis, 100, 1, octaves=1)
    assert np.abs(np.diff(field, axis=1)).max() < 0.35


def test_a_part_of_a_field_is_the_field_there(axis):
    whole = fractal(axis, axis, 80, 5)
    assert np.allclose(fractal(axis[40:90], axis[10:70], 80, 5), whole[40:90, 10:70], atol=1e-5)


def test_uniform_fields_fill_the_range(axis):
    share = uniform(fractal(axis, axis, 15, 2, octaves=2))
    assert np.allclose(np.quantile(share, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.04)


def test_a_curve_is_a_line_of_noise():
    line = curve(np.arange(0, 50_000.0, 10), 200, 1)
    assert line.shape == (5000,)
    assert 0.6 < line.std() < 1.4


def test_hashes_spread():
    draws = np.array([unit(hash3(i, 1, 2)) for i in range(3000)])
    assert abs(draws.mean() - 0.5) < 0.02
    assert len(np.unique(draws)) > 2900
    assert hash3(-5, 3, 1) == hash3.py_func(-5, 3, 1)


def test_cells_have_the_size_asked_for():
    still = np.zeros((200, 200), np.float32)
    label = cells(still, still, 2.5, 50, 4)
    assert 60 < len(np.unique(label)) < 160
    # Cells of the nearest point are convex: along a row each label is one run.
    row = label[100]
    assert len(np.flatnonzero(np.diff(row))) + 1 == len(np.unique(row))


def test_compiled_kernels_do_what_their_python_does(axis):
    short = axis[:12]
    compiled = np.zeros((12, 12), np.float32)
    plain = np.zeros((12, 12), np.float32)
    _noise._add_octave(short, short, 9.0, 1.0, 3, compiled)
    _noise._add_octave.py_func(short, short, 9.0, 1.0, 3, plain)
    assert np.allclose(compiled, plain, atol=1e-5)
    warp = np.zeros((10, 10), np.float32)
    compiled, plain = np.zeros((10, 10), np.int32), np.zeros((10, 10), np.int32)
    _noise._nearest(warp, warp, 2.5, 8.0, 3, compiled)
    _noise._nearest.py_func(warp, warp, 2.5, 8.0, 3, plain)
    assert np.array_equal(compiled, plain)
    rows = np.empty((4, 2), np.float32)
    _noise._lattice_row.py_func(2, 4, 3, rows)
    assert np.allclose(np.hypot(*rows.T), 1, atol=1e-6)
