"""Rasters in tiles keep to the same rules as whole ones, wherever the seams lie."""

from __future__ import annotations

import logging
from dataclasses import replace

import dask.array
import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bocage.errors import InputError
from bocage.generalize import GeneralizeSettings, Tiling, generalize, load_rules, undersized
from bocage.generalize._frame import MARGIN, make_frame, source_of
from bocage.generalize._mosaic import trace_borders
from bocage.generalize._raster import make_regions
from bocage.generalize._seams import _pieces, mend_seams
from bocage.generalize._tiles import raster_stage
from bocage.generalize._window import Window
from bocage.generalize._workers import processes
from bocage.legend import OUTSIDE
from bocage.posterior import Posterior

PLAIN = load_rules("plain")


def blobs(rng, shape, count, reach):
    """Smooth blobs of some classes."""
    layers = [ndimage.gaussian_filter(rng.normal(size=shape), reach) for _ in range(count)]
    return (np.argmax(layers, axis=0) + 1).astype(np.uint8)


def area_of(classes, square):
    """The union of all pixels that are not outside."""
    rows, columns = np.nonzero(np.asarray(classes) != OUTSIDE)
    pixels = [square(x, y, x + 1, y + 1) for y, x in zip(rows, columns, strict=True)]
    return shapely.set_precision(shapely.union_all(pixels), 0.001)


@pytest.fixture(scope="module")
def land():
    rng = np.random.default_rng(3)
    classes = blobs(rng, (230, 260), 6, 4.0)
    noise = rng.random(classes.shape) < 0.15
    return np.where(noise, rng.integers(1, 7, classes.shape), classes).astype(np.uint8)


def bytes_of(coverage):
    """All that a coverage holds, to be compared."""
    columns = coverage.frame.drop(columns="geometry")
    return coverage.frame.geometry.to_wkb().tolist(), columns.to_numpy().tolist()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shape=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    seed=st.integers(0, 2**31),
    count=st.integers(1, 6),
    reach=st.sampled_from([0.5, 1.5, 4.0]),
    years=st.integers(1, 2),
    mmu=st.sampled_from([0.0, 0.02, 0.1, 0.5]),
    mmw=st.sampled_from([0.0, 10.0]),
    size=st.integers(5, 40),
    halo=st.integers(0, 20),
    holes=st.booleans(),
)
def test_the_rules_hold_whatever_the_tiles(
    toy,
    raster,
    square,
    checker,
    narrow,
    shape,
    seed,
    count,
    reach,
    years,
    mmu,
    mmw,
    size,
    halo,
    holes,
):
    rng = np.random.default_rng(seed)
    layers = [blobs(rng, shape, count, reach)]
    if years == 2:
        changed = ndimage.gaussian_filter(rng.normal(size=shape), 3) > 0
        layers.append(np.where(changed, blobs(rng, shape, count, reach), layers[0]))
    outside = ndimage.gaussian_filter(rng.normal(size=shape), 8) > 0.05
    if holes and not outside.all():
        layers = [np.where(outside, OUTSIDE, layer).astype(np.uint8) for layer in layers]
    data, extent = raster(*layers), area_of(layers[0], square)
    wanted = GeneralizeSettings(mmu_ha=mmu, mmw_m=mmw, rules=PLAIN)
    result = generalize(data, None, toy, wanted, tiles=Tiling(size, halo))
    checker(result, extent, mmu_ha=mmu)
    if mmw:
        assert narrow(result, extent, mmw_m=mmw) == []
    assert (undersized(result, toy, wanted)["exception"] == "").all()


@pytest.mark.parametrize("size", [50, 77, 120, 1000])
def test_tiles_with_enough_around_them_change_nothing(toy, raster, land, tmp_path, size):
    wanted = GeneralizeSettings(mmu_ha=0.1, rules=PLAIN)
    frame = make_frame(source_of(raster(land), None, None, legend=toy, reach_m=0))
    regions = make_regions(frame, toy, wanted)
    expected = regions.codes.T[:, regions.labels]
    with processes(1) as spread:
        source = source_of(raster(land), None, None, legend=toy, reach_m=0)
        job, _ = raster_stage(source, wanted, tmp_path, spread, Tiling(size, 260))
    every = Window(0, land.shape[0] + 2 * MARGIN, 0, land.shape[1] + 2 * MARGIN)
    expected = np.where(regions.labels >= 0, expected, OUTSIDE)
    np.testing.assert_array_equal(job.store.read("classes", every), expected)
    np.testing.assert_array_equal(job.store.read("drawn", every), regions.drawn)


@pytest.mark.parametrize("size", [50, 120])
def test_the_coverage_is_nearly_that_of_the_whole(toy, raster, land, size):
    wanted = GeneralizeSettings(mmu_ha=0.1, rules=PLAIN)
    whole = generalize(raster(land), None, toy, wanted)
    tiled = generalize(raster(land), None, toy, wanted, tiles=Tiling(size, 128))
    same = shapely.intersection(
        whole.frame.dissolve("code_2021").geometry.to_numpy(),
        tiled.frame.dissolve("code_2021").geometry.to_numpy(),
    )
    assert shapely.area(same).sum() > 0.995 * whole.frame.geometry.area.sum()


def test_seams_are_repaired(toy, raster, square, land, checker, narrow, caplog):
    caplog.set_level(logging.INFO, "bocage")
    wanted = GeneralizeSettings(mmu_ha=0.2, rules=PLAIN)
    result = generalize(raster(land), None, toy, wanted, tiles=Tiling(40, 2))
    assert any("repairs" in line and ", 0 repairs" not in line for line in caplog.messages)
    extent = square(0, 0, land.shape[1], land.shape[0])
    checker(result, extent, mmu_ha=0.2)
    assert narrow(result, extent, mmw_m=10) == []


def test_processes_and_repetition_change_nothing(toy, raster, land):
    years = raster(land, np.roll(land, 2, axis=0))
    wanted = GeneralizeSettings(mmu_ha=0.1, rules=PLAIN)
    found = [
        bytes_of(generalize(years, None, toy, wanted, tiles=Tiling(90, 10, workers)))
        for workers in (1, 1, 2)
    ]
    assert found[0] == found[1] == found[2]


def wild(shape, square):
    """An area of two parts with holes, whose limits follow no pixels."""
    height, width = shape
    middle = square(0, 0, width, height).centroid
    star = shapely.buffer(middle, 0.9 * height).intersection(square(6.3, 9.1, width - 4.7, height))
    hole = shapely.buffer(shapely.affinity.translate(middle, 40, 35), 61.7)
    return star.difference(hole).difference(square(-1, 148.4, width + 1, 149.6))


@pytest.mark.parametrize("kind", ["area", "locked", "posteriors"])
def test_all_that_the_whole_takes_gives_the_same_in_tiles(toy, raster, square, land, kind):
    area, more = wild(land.shape, square), {}
    years = [land, np.where(np.arange(land.shape[1]) < 120, np.roll(land, 9, axis=0), land)]
    if kind == "locked":
        line = np.zeros(land.shape, np.uint8)
        line[100:103] = line[:, 60:64] = 4
        years = [np.where(line, 4, year) for year in years]
        more["locked"] = raster(line).isel(year=0, drop=True)
    data = raster(*years)
    if kind == "posteriors":
        rng = np.random.default_rng(5)
        more["posteriors"] = [
            Posterior.from_probabilities(
                rng.random((len(toy), *land.shape))
                + 8 * (year == np.c_[1 : len(toy) + 1][..., None]),
                data.odc.geobox,
                toy,
                k=3,
            )
            for year in years
        ]
    wanted = GeneralizeSettings(mmu_ha=0.1, rules=PLAIN)
    whole = generalize(data, area, toy, wanted, **more)
    tiled = generalize(data, area, toy, wanted, tiles=Tiling(90, 260), **more)
    if kind == "posteriors":
        # Two places go back to the raster, where windows are repaired in another order.
        column = "code_2021"
        same = shapely.intersection(
            *(each.frame.dissolve(column).geometry.to_numpy() for each in (whole, tiled))
        )
        assert shapely.area(same).sum() > 0.98 * area.area
    else:
        assert bytes_of(tiled) == bytes_of(whole)
    seams = generalize(data, area, toy, wanted, tiles=Tiling(70, 4), **more)
    assert abs(shapely.area(seams.frame.geometry.to_numpy()).sum() - area.area) < 1.0


def test_the_rules_hold_in_an_area_of_tiles(toy, raster, square, land, checker, narrow):
    area = wild(land.shape, square)
    wanted = GeneralizeSettings(mmu_ha=0.1, rules=PLAIN)
    found = generalize(raster(land), area, toy, wanted, tiles=Tiling(45, 3))
    checker(found, area, mmu_ha=0.1)
    assert narrow(found, area, mmw_m=10.0) == []


def test_an_area_beyond_the_raster_is_refused(toy, raster, square, land):
    with pytest.raises(InputError, match="area"):
        generalize(raster(land), square(-300, 0, 40, 40), toy, tiles=Tiling(60, 3))


def test_only_windows_are_read(toy, raster, land, tmp_path):
    read = []

    def note(block, block_info=None):
        read.append(block.shape)
        return block

    data = raster(land)
    lazy = data.copy(
        data=dask.array.from_array(data.values, chunks=(1, 50, 50)).map_blocks(
            note, dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8)
        )
    )
    wanted = GeneralizeSettings(mmu_ha=0.1, rules=PLAIN)
    found = generalize(lazy, None, toy, wanted, tiles=Tiling(50, 60, scratch=tmp_path))
    assert max(shape[1] for shape in read) <= 50
    assert bytes_of(found) == bytes_of(generalize(data, None, toy, wanted, tiles=Tiling(50, 60)))
    assert list(tmp_path.iterdir()) == []


def test_arcs_do_not_depend_on_the_tiles(toy, raster, land, tmp_path):
    found = []
    wanted = GeneralizeSettings(mmu_ha=0.1, rules=PLAIN)
    with processes(1) as spread:
        source = source_of(raster(land), None, None, legend=toy, reach_m=0)
        job, _ = raster_stage(source, wanted, tmp_path, spread, Tiling(60, 30))
        size = job.shape
        for cuts in ((60, 60), (33, 70), (500, 500), (7, 200)):
            rows = (*range(0, size[0], cuts[0]), size[0])
            columns = (*range(0, size[1], cuts[1]), size[1])
            tiles = type(job.tiles)(rows, columns)
            found.append(trace_borders(replace(job, tiles=tiles), spread, beyond=False))
        assert mend_seams(job, spread)[0] == []
    for other in found[1:]:
        for name in ("points", "starts", "left", "right", "closed"):
            first = getattr(found[0].arcs, name)
            np.testing.assert_array_equal(getattr(other.arcs, name), first)
        np.testing.assert_array_equal(other.slope, found[0].slope)
        np.testing.assert_array_equal(other.codes, found[0].codes)
        np.testing.assert_array_equal(other.line, found[0].line)


def test_large_windows_are_cut_into_pieces_that_overlap():
    window = Window(3, 40, 10, 19)
    pieces = _pieces(window, 20)
    assert all(max(piece.shape) <= 20 for piece in pieces)
    covered = np.zeros((50, 50), int)
    for piece in pieces:
        covered[piece.top : piece.bottom, piece.left : piece.right] += 1
    assert (covered[3:40, 10:19] > 0).all()
    assert covered.sum() == covered[3:40, 10:19].sum()
    assert _pieces(window, 100) == [window]


@pytest.mark.parametrize("wrong", [{"tile_px": 0}, {"halo_px": -1}, {"workers": 0}])
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(InputError):
        Tiling(**wrong)


def test_a_raster_without_classes_is_refused(toy, raster):
    with pytest.raises(InputError, match="no classified pixel"):
        generalize(raster(np.full((20, 20), OUTSIDE)), None, toy, tiles=Tiling(7))
