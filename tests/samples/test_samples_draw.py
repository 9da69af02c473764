from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from bocage.errors import InputError
from bocage.grid import Block, geobox
from bocage.legend import Legend, load_crosswalk
from bocage.rasters import wrap, write_geotiff
from bocage.samples import SamplingRules, Source, collect, draw_samples, fold_of, summary
from bocage.samples._places import border_distance

W, S = 4_000_000, 3_000_000
RULES = SamplingRules()


def draw(source, block, legend, rules=RULES, *, seed=1, area=None, exclude=None):
    sources = source if isinstance(source, list) else [source]
    return draw_samples(
        sources, block, block.box() if area is None else area, legend, rules,
        region="alpine", seed=seed, exclude=exclude,
    )  # fmt: skip


@pytest.fixture
def halves(polygons, identity):
    """Grass in the west half, forest in the east half, far beyond the block."""
    path = polygons([(101, -500, -500, 480, 1500), (102, 480, -500, 1500, 1500)])
    return Source(path, identity, 3, "code")


def centres(samples):
    middle = samples[samples["sample_id"].str.endswith("P4")]
    return np.stack([middle.geometry.x, middle.geometry.y], axis=1)


def test_quota_schema_and_layout(halves, block, legend):
    samples = draw(halves, block, legend)
    # The border at 480 m leaves forest an 8.5 m strip of the west cells: nowhere 12 m deep.
    assert summary(samples, legend).set_index("code")["cubes"].to_dict() == {
        101: 10, 102: 10, 201: 0, 202: 0,
    }  # fmt: skip
    assert (samples.groupby("cube").size() == 9).all()
    assert samples["sample_id"].is_unique
    assert set(samples["region"]) == {"alpine"}
    assert set(samples["block"]) == {block.id}
    assert (samples["weight"] == 1).all()
    assert samples.crs.to_epsg() == 3035
    cube = samples.iloc[:9]
    assert sorted(set((cube.geometry.x - cube.geometry.x.iloc[4]).round(6))) == [-2.6, 0, 2.6]
    assert sorted(set((cube.geometry.y - cube.geometry.y.iloc[4]).round(6))) == [-2.6, 0, 2.6]
    # Cube centres are pixel centres, and the first point is the north-western one.
    assert (centres(samples) % 2.5 == 1.25).all()
    assert cube.geometry.x.iloc[0] < cube.geometry.x.iloc[4]
    assert cube.geometry.y.iloc[0] > cube.geometry.y.iloc[4]


def test_labels_are_those_of_the_polygons(halves, block, legend):
    samples = draw(halves, block, legend)
    assert ((samples["code"] == 101) == (samples.geometry.x < W + 480)).all()
    assert (samples["allowed"] == samples["code"].astype(str)).all()


def test_border_distance_and_spacing(halves, block, legend):
    places = centres(draw(halves, block, legend))
    assert np.abs(places[:, 0] - (W + 480)).min() >= 12
    gaps = [
        np.hypot(*np.maximum(np.abs(a - b) - 8, 0))
        for i, a in enumerate(places)
        for b in places[i + 1 :]
    ]
    assert min(gaps) >= 15


def test_thin_classes_get_none_unless_protected(polygons, block, legend, identity):
    rows = [(101, -500, -500, 300, 1500), (201, 300, -500, 310, 1500), (101, 310, -500, 1500, 1500)]
    source = Source(polygons(rows), identity, 3, "code")
    assert 201 not in set(draw(source, block, legend)["code"])
    samples = draw(source, block, legend, replace(RULES, protected=(201,)))
    road = samples[samples["code"] == 201]
    assert len(road) >= 9
    assert road.geometry.x.between(W + 300, W + 310).all()


def test_area_and_exclusion(halves, block, legend):
    area = shapely.Point(W + 500, S + 500).buffer(300)
    exclude = shapely.box(W + 500, S, W + 1000, S + 500)
    samples = draw(halves, block, legend, area=area, exclude=exclude)
    assert len(samples) > 0
    assert samples.within(area).all()
    cubes = [shapely.box(x - 4, y - 4, x + 4, y + 4) for x, y in centres(samples)]
    assert not any(c.intersects(exclude) for c in cubes)
    assert len(draw(halves, block, legend, area=shapely.Polygon())) == 0
    assert len(draw(halves, block, legend, exclude=block.box())) == 0


def test_same_seed_same_draw(halves, block, legend):
    first = draw(halves, block, legend)
    assert first.equals(draw(halves, block, legend, SamplingRules(cell_m=500.0)))
    assert set(first["cube"]) != set(draw(halves, block, legend, seed=2)["cube"])


def test_block_size_does_not_matter(halves, block, legend):
    whole = collect([draw(halves, block, legend)])
    quarters = [
        Block(f"q{i}{j}", block.tile, W + 500 * i, S + 500 * j, 500, 160)
        for i in range(2)
        for j in range(2)
    ]
    parts = collect([draw(halves, q, legend) for q in quarters])
    assert parts["sample_id"].tolist() == whole["sample_id"].tolist()


def test_two_sources(tmp_path, halves, block, legend, identity):
    values = np.full((132, 132), 102, np.uint16)
    values[:66] = 10
    bounds = (W - 160, S - 160, W + 1160, S + 1160)
    path = write_geotiff(tmp_path / "r.tif", wrap(values, geobox(bounds, 10)))
    weak = Source(path, identity, 1, name="weak")
    samples = draw([weak, halves], block, legend)
    assert set(samples["source"]) == {"layer"}
    # In the south the weak source says forest everywhere: grass has half the weight there.
    south = samples.geometry.y < S + 500
    assert (samples["weight"][south & (samples["code"] == 101)] == 0.5).all()
    assert (samples["weight"][~south | (samples["code"] == 102)] == 1).all()
    alone = draw(weak, block, legend)
    assert set(alone["allowed"]) == {"101;102", "102"}
    assert set(alone["code"]) == {0, 102}
    assert alone["weight"].to_numpy() == pytest.approx(1 / 3)


def test_each_patch_gets_a_cube_first(polygons, block, legend, identity):
    patches = [(202, 60 + 100 * i, 100, 100 + 100 * i, 140) for i in range(4)]
    source = Source(polygons([(101, -500, -500, 1500, 1500), *patches]), identity, 3, "code")
    samples = draw(source, block, legend)
    rock = centres(samples[samples["code"] == 202])
    assert sorted(((rock[:, 0] - W) // 100).tolist()) == [0, 1, 2, 3]
    # The deepest points of a patch of 40 m lie within half a pixel of its middle.
    assert np.abs(rock[:, 1] - (S + 120)).max() <= 1.25


def test_no_label_no_sample(polygons, block, legend, identity):
    source = Source(polygons([(101, 9000, 9000, 9500, 9500)]), identity, 3, "code")
    assert len(draw(source, block, legend)) == 0


def test_wrong_input_is_named(halves, block, legend):
    with pytest.raises(InputError, match="no source to draw samples from"):
        draw([], block, legend)
    with pytest.raises(InputError, match="does not hold whole cells of 400 m"):
        draw(halves, block, legend, SamplingRules(cell_m=400, fold_m=800))


def test_folds_differ_from_all_neighbours():
    column, row = (a.ravel() for a in np.meshgrid(np.arange(4000, 4020), np.arange(3000, 3020)))
    folds = fold_of(column * 1000 + 500.0, row * 1000 + 500.0, RULES).reshape(20, 20)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a = folds[: 20 - dy, max(0, -dx) : 20 - max(0, dx)]
        b = folds[dy:, max(0, dx) : 20 + min(0, dx)]
        assert (a != b).all()
    assert np.bincount(folds.ravel()).tolist() == [80] * 5
    two = fold_of(column * 1000.0, row * 1000.0, SamplingRules(folds=2)).reshape(20, 20)
    assert (two[1:] != two[:-1]).all()


def test_border_distance_by_hand():
    ids = np.ones((5, 8), np.uint16)
    ids[:, 4:] = 2
    assert border_distance(ids)[2].tolist() == [8.75, 6.25, 3.75, 1.25, 1.25, 3.75, 6.25, 8.75]
    assert np.isinf(border_distance(np.ones((3, 3), np.uint16))).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_border_distance_never_overstates(seed, spots):
    rng = np.random.default_rng(seed)
    ids = np.ones((24, 24), np.uint16)
    ids[tuple(rng.integers(0, 24, (2, spots)))] = rng.integers(1, 4, spots)
    if (ids == 1).all():
        return
    found = border_distance(ids)
    grid = np.argwhere(np.ones_like(ids, dtype=bool))
    flat = ids.ravel()
    apart = np.abs(grid[:, None] - grid[None]).astype(float)
    # From a pixel's centre to the nearest edge of another label's pixel.
    edge = np.maximum(apart - 0.5, 0)
    distance = 2.5 * np.hypot(edge[..., 0], edge[..., 1])
    distance[flat[:, None] == flat[None]] = np.inf
    assert (found.ravel() <= distance.min(axis=1) + 0.15).all()


@pytest.mark.real
def test_real_n2k_polygons(tmp_path, real_data):
    path = real_data / "clms_n2k_cz" / "n2k_cz_cluster0.gpkg"
    polygons = gpd.read_file(path)
    names = [f"MAES_{n}_12" for n in range(1, 5)]
    leaves = polygons[names].drop_duplicates().sort_values(names)
    rows = pd.DataFrame({f"code_{n}": leaves[names[n - 1]].to_numpy() for n in range(1, 5)})
    for n in range(1, 5):
        rows[f"name_{n}"] = rows[f"code_{n}"].astype(str)
    rows.to_csv(tmp_path / "maes.csv", index=False)
    legend = Legend.from_csv(tmp_path / "maes.csv")
    source = Source(path, load_crosswalk("identity", legend), 3, "MAES_4_12")
    block = Block("2kmE2307N1518", "10kmE461N303", 4_614_000, 3_036_000)
    area = shapely.union_all(polygons.geometry.to_numpy())
    samples = draw(source, block, legend, area=area)
    assert samples["code"].nunique() >= 9
    joined = gpd.sjoin(samples, polygons[["MAES_4_12", "geometry"]], predicate="within")
    assert len(joined) == len(samples)
    assert (joined["code"] == joined["MAES_4_12"]).all()
    other = polygons.dissolve("MAES_4_12")
    for code, points in samples.groupby("code"):
        middle = points[points["sample_id"].str.endswith("P4")]
        border = other.geometry[code].boundary.intersection(area.buffer(-1))
        # Rasterised borders lie within half a pixel's diagonal of the real ones.
        assert middle.distance(border).min() >= 12 - 1.8
    places = centres(samples)
    assert pdist(places, "chebyshev").min() >= 15
