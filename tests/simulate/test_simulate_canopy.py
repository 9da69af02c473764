import importlib.util
from pathlib import Path

import numpy as np
import pytest

from bocage.simulate import _canopy
from bocage.simulate._canopy import (
    LAI,
    STAGES,
    ZENITH,
    canopy_index,
    canopy_over,
    canopy_table,
    traits,
    under_sun,
)
from bocage.simulate._tables import BANDS

RED, NIR, SWIR = (BANDS.index(b) for b in ("B04", "B08", "B11"))


def over(name, stage, lai, ground, sun=50):
    lai = np.atleast_1d(np.asarray(lai, float))
    grounds = np.full((lai.size, len(BANDS)), ground, np.float32)
    kind = np.full(lai.size, canopy_index()[name])
    return canopy_over(under_sun(sun), kind, np.full(lai.size, float(stage)), lai, grounds)


def test_table_holds_every_canopy():
    table = canopy_table()
    assert table.dtype == np.float32
    assert table.shape == (len(traits()), len(STAGES), len(LAI), len(ZENITH), 3, len(BANDS))
    assert np.isfinite(table).all()
    assert table.min() >= 0
    assert table[..., 1, :].max() <= 1


def test_table_is_that_of_prosail():
    pytest.importorskip("prosail")
    path = Path(__file__).resolve().parents[2] / "docs" / "canopies.py"
    spec = importlib.util.spec_from_file_location("canopies", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # One entry of every canopy, so that a table older than the traits is found.
    for c, kind in enumerate(traits()):
        s, v, z = c % len(STAGES), 1 + c % (len(LAI) - 1), c % len(ZENITH)
        made = module.canopy(kind, STAGES[s], LAI[v], ZENITH[z])
        assert np.allclose(canopy_table()[c, s, v, z], made, atol=2e-6), kind.key


def test_three_terms_hold_for_any_ground():
    prosail = pytest.importorskip("prosail")
    kind = traits()[canopy_index()["oak"]]
    t = kind.at(0.0)
    leaf, through = prosail.run_prospect(
        t["n"], t["cab"], t["car"], t["cbrown"], t["cw"], t["cm"], ant=t["ant"]
    )[1:]
    ground = 0.35
    soil = np.full(2101, ground)
    full = prosail.run_sail(leaf, through, 1.0, t["ala"], t["hot"], 40.0, 0.0, 0.0, rsoil0=soil)
    # Near the centre of a narrow band the full model is that of the band.
    seen = over("oak", 0.0, 1.0, ground, sun=50)[0]
    assert seen[BANDS.index("B8A")] == pytest.approx(full[864 - 400], abs=0.004)
    assert seen[BANDS.index("B04")] == pytest.approx(full[665 - 400], abs=0.004)


def test_no_leaves_show_the_ground_and_many_hide_it():
    assert np.allclose(over("beech", 0, 0, 0.3), 0.3, atol=1e-6)
    dark, light = over("beech", 0, 6.5, 0.0)[0], over("beech", 0, 6.5, 0.5)[0]
    assert abs(dark[RED] - light[RED]) < 0.005
    more = over("meadow", 0.1, [0.2, 0.8, 2.0, 4.0], 0.15)
    assert (np.diff(more[:, NIR]) > 0).all()
    assert (np.diff(more[:, RED]) < 0).all()


def test_ageing_turns_plants_yellow():
    green, old = over("cereal", 0, 4, 0.15)[0], over("cereal", 1, 4, 0.15)[0]
    assert old[RED] > 3 * green[RED]
    assert old[SWIR] > green[SWIR]
    half = over("cereal", 0.25, 4, 0.15)[0]
    assert green[RED] < half[RED] < old[RED]


def test_needles_are_darker_than_broad_leaves():
    needle, broad = over("spruce", 0.1, 4, 0.1)[0], over("beech", 0.1, 4, 0.1)[0]
    assert needle[NIR] < 0.75 * broad[NIR]
    assert needle[SWIR] < 0.75 * broad[SWIR]


def test_low_sun_is_that_at_the_end_of_the_table():
    assert np.array_equal(under_sun(5), under_sun(20))
    assert np.allclose(under_sun(65), canopy_table()[:, :, :, 0])
    between = under_sun(57.5)
    mean = (canopy_table()[:, :, :, 0] + canopy_table()[:, :, :, 1]) / 2
    assert np.allclose(between, mean, atol=1e-6)


def test_compiled_interpolation_is_that_of_python():
    rng = np.random.default_rng(1)
    n = 12
    given = (
        under_sun(40),
        rng.integers(0, len(traits()), n),
        rng.uniform(-0.1, 1.1, n),
        rng.uniform(0, 8, n),
        rng.uniform(0, 0.5, (n, len(BANDS))).astype(np.float32),
        np.array(STAGES),
        np.array(LAI),
    )
    results = []
    for run in (_canopy._interpolate, _canopy._interpolate.py_func):
        out = np.empty((n, len(BANDS)), np.float32)
        run(*given, out)
        results.append(out)
    assert np.allclose(*results, atol=1e-5)


def test_traits_stay_within_the_ranges_of_the_literature():
    for kind in traits():
        for stage in STAGES:
            t = kind.at(stage)
            assert 1.3 <= t["n"] <= 2.2
            assert 0.5 <= t["cab"] <= 60
            assert 0.0005 <= t["cw"] <= 0.04
            assert 0.002 <= t["cm"] <= 0.025
            assert 25 <= t["ala"] <= 75
