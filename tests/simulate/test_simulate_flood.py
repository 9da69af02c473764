from dataclasses import replace

import numpy as np
import pytest
from shapely import LineString

from bocage.simulate._flood import HIGHEST_M, REACH_M, flood_plain, flood_water, water_hidden
from bocage.simulate._streams import Stream
from bocage.simulate._tables import BANDS, cover_index


@pytest.fixture(scope="module")
def valley(landscape):
    """A valley that rises 1 m in 100 m on both sides of a river along its middle row.

    A dam stands across its east; behind it the ground is as low as the river.
    """
    domain = landscape.domain
    count = landscape.height.shape[0]
    rows = np.abs(np.arange(count) - count // 2) * 0.2
    height = np.repeat(rows[:, None], count, axis=1).astype(np.float32)
    height[: count // 2 - 10, count // 2 :] = 0
    middle = (count // 2 + 0.5) * 20
    river = Stream(LineString([(0, middle), (domain.side, middle)]), 20.0, main=True)
    return replace(landscape, height=height, streams=(river,))


def test_the_river_is_always_wet_and_water_rises_with_the_ground(valley):
    plain = flood_plain(valley)
    middle = plain.rise.shape[0] // 2
    assert plain.rise[middle].max() == 0
    south = plain.rise[middle + 1 :, 5]
    assert (np.diff(south[np.isfinite(south)]) > 0).all()
    far = np.abs(np.arange(plain.rise.shape[0]) - middle) * 20 > REACH_M
    assert np.isinf(plain.rise[far]).all()


def test_water_does_not_jump_over_a_dam(valley):
    plain = flood_plain(valley)
    middle, half = plain.rise.shape[0] // 2, plain.rise.shape[1] // 2
    # Behind it lies low ground, but water must first rise over 1.8 m of bank.
    assert plain.rise[middle - 12, half + 20] >= 1.7
    assert plain.depth(1.0)[middle - 12, half + 20] == 0
    assert plain.depth(2.5)[middle - 12, half + 20] > 0


def test_the_stage_floods_the_share_asked_for(valley):
    plain = flood_plain(valley)
    for share in (0.02, 0.06, 0.1):
        stage = plain.stage(share)
        assert 0 < stage <= HIGHEST_M
        dry = plain.depth(1e-6).mean()
        assert plain.depth(stage).mean() == pytest.approx(share + dry, abs=0.03)
    assert plain.stage(0.0) == 0
    assert plain.depth(0.0).max() == 0


def test_without_a_river_there_is_no_flood(landscape):
    plain = flood_plain(replace(landscape, streams=()))
    assert plain.stage(0.05) == 0


def test_flood_water_is_turbid_and_trees_stand_out_of_it():
    water = dict(zip(BANDS, flood_water(), strict=True))
    assert water["B04"] > 0.04
    assert water["B11"] < 0.03
    hidden, index = water_hidden(), cover_index()
    assert hidden[index["oak"]] > 0.4
    assert hidden[index["wheat"]] == hidden[index["grass_mown"]] == 0
