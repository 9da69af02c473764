"""What must hold of the coverage of any raster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bocage.generalize import GeneralizeSettings, generalize, load_rules, undersized

PLAIN = load_rules("plain")
LARGEST = 40  # pixels a side
TWO_PIXELS = 5.0  # metres


def _classes(rng, shape, count, reach):
    """Noise, or smooth blobs, of some classes; 0 is unknown."""
    if not reach:
        return rng.integers(0, count + 1, shape)
    layers = [ndimage.gaussian_filter(rng.normal(size=shape), reach) for _ in range(count)]
    return np.argmax(layers, axis=0) + 1


def _second(rng, first, count):
    """Another year: the same but for a part that changed, or that is a little beside."""
    other = np.roll(first, 2, axis=1) if rng.random() < 0.5 else rng.permutation(count + 1)[first]
    changed = ndimage.gaussian_filter(rng.normal(size=first.shape), 3) > rng.normal(0, 0.05)
    return np.where(changed, other, first)


def _star(rng, box):
    west, south, east, north = box.bounds
    angle = np.sort(rng.random(rng.integers(3, 9))) * 2 * np.pi
    reach = rng.uniform(0.2, 0.8, len(angle))
    x = (west + east) / 2 + reach * np.cos(angle) * (east - west)
    y = (south + north) / 2 + reach * np.sin(angle) * (north - south)
    star = shapely.make_valid(shapely.Polygon(np.stack([x, y], axis=1)))
    return shapely.set_precision(shapely.buffer(star, 0), 0.001)


# `make fuzz` tries ten thousand rasters.
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shape=st.tuples(st.integers(1, LARGEST), st.integers(1, LARGEST)),
    seed=st.integers(0, 2**31),
    count=st.integers(1, 6),
    reach=st.sampled_from([0.0, 0.5, 1.5, 4.0]),
    years=st.integers(1, 2),
    mmu=st.sampled_from([0.0, 0.002, 0.02, 0.1, 0.5]),
    mmw=st.sampled_from([0.0, 1.25, 2.5, 3.75, 5.0, 7.5, 10.0, 12.5, 17.0, 21.25, 30.0, 50.0]),
    with_area=st.booleans(),
)
def test_invariants_hold_on_any_raster(
    toy, raster, square, checker, narrow, shape, seed, count, reach, years, mmu, mmw, with_area
):
    rng = np.random.default_rng(seed)
    layers = [_classes(rng, shape, count, reach)]
    if years == 2:
        layers.append(_second(rng, layers[0], count))
    data, extent = raster(*layers), square(0, 0, shape[1], shape[0])
    star = _star(rng, extent)
    area = star if with_area and shapely.area(star) >= 10 else None
    extent = extent if area is None else area
    wanted = GeneralizeSettings(mmu_ha=mmu, mmw_m=mmw, rules=PLAIN, reach_m=1000)
    result = generalize(data, area, toy, wanted)
    checker(result, extent, mmu_ha=mmu)
    # The raster knows the limit of an area to the pixel only: it cuts off less than that.
    if mmw and (area is None or mmw >= TWO_PIXELS):
        assert narrow(result, extent, mmw_m=mmw) == []
    report = undersized(result, toy, wanted)
    assert (report["exception"] == "").all()
    assert (report["area_ha"] < mmu).all()
    again = generalize(data, area, toy, wanted)
    assert again.frame.to_wkb().equals(result.frame.to_wkb())


def _fifth(rule):
    cluster = None if rule.cluster_ha is None else rule.cluster_ha / 5
    return replace(rule, min_ha=rule.min_ha / 5, cluster_ha=cluster)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shape=st.tuples(st.integers(20, LARGEST), st.integers(20, LARGEST)),
    seed=st.integers(0, 2**31),
    reach=st.sampled_from([0.0, 1.5, 4.0]),
    years=st.integers(1, 2),
    with_area=st.booleans(),
)
def test_every_small_polygon_has_a_rule_with_the_rules_of_the_product(
    toy, raster, square, narrow, shape, seed, reach, years, with_area
):
    rng = np.random.default_rng(seed)
    layers = [_classes(rng, shape, 6, reach)]
    if years == 2:
        layers.append(_second(rng, layers[0], 6))
    extent = square(0, 0, shape[1], shape[0])
    star = _star(rng, extent)
    area = star if with_area and shapely.area(star) >= 10 else None
    extent = extent if area is None else area
    # A fifth of all thresholds, so that small rasters hold something.
    rules = replace(
        load_rules("pa"),
        exceptions=tuple(_fifth(r) for r in load_rules("pa").exceptions),
    )
    wanted = GeneralizeSettings(mmu_ha=0.1, rules=rules, reach_m=1000)
    result = generalize(raster(*layers), area, toy, wanted)
    assert shapely.coverage_is_valid(result.frame.geometry.to_numpy())
    assert narrow(result, extent, mmw_m=wanted.mmw_m) == []
    parts = shapely.get_parts(shapely.union_all(result.frame.geometry.to_numpy()))
    for row in undersized(result, toy, wanted).query("exception == ''").itertuples():
        home = parts[shapely.covers(parts, shapely.Point(row.x, row.y))][0]
        assert home.area / 10_000 - row.area_ha < 1e-7, row


def test_a_narrow_polygon_within_an_area_goes_back_to_the_raster(toy, raster, square, narrow):
    """It does not touch the limit, at which alone the width was tested again once."""
    first, other = (_classes(np.random.default_rng(seed), (120, 120), 5, 5.0) for seed in (5, 6))
    data = raster(first, np.where(other > 3, other, first))
    wanted = GeneralizeSettings(mmu_ha=0.1, rules=PLAIN)
    area = square(0, 0, 120, 120)
    assert narrow(generalize(data, area, toy, wanted), area, mmw_m=10.0) == []
