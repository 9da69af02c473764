from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from rasterio.features import rasterize
from shapely import LineString

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import code_of, faults
from bocage.simulate._places import make_sites
from bocage.simulate._polygons import corridor, n2k, riparian
from bocage.simulate._streams import Stream


@pytest.fixture(scope="module")
def frame(classes, legend, domain, seed):
    return n2k(classes, legend, domain, seed, make_sites(domain, seed))


@pytest.fixture(scope="module")
def zones(classes, landscape, legend, domain, seed):
    return riparian(classes, landscape.streams, landscape.height, legend, domain, seed)


def labels_right(frame, field, layer, classes, legend, domain):
    """Share of the area whose polygon has the code that is most frequent in it."""
    box = domain.geobox(2.5)
    number = rasterize(
        zip(frame.geometry, range(1, len(frame) + 1), strict=True),
        box.shape, transform=box.affine, dtype="int32",
    )  # fmt: skip
    codes = code_of(layer, legend)
    index = np.unique(number[number > 0])
    right = total = 0
    for n in index:
        inside = classes[number == n]
        found = np.bincount([codes[int(c)] for c in inside]).argmax()
        total += inside.size
        right += inside.size * (found == frame[field].iloc[n - 1])
    return right / total


def test_polygons_are_valid_and_tile_the_square(frame, domain):
    assert frame.geometry.is_valid.all()
    assert set(frame.geometry.geom_type) == {"Polygon"}
    assert frame.crs.to_epsg() == 3035
    assert shapely.union_all(frame.geometry).area == pytest.approx(frame.area.sum(), rel=1e-9)
    assert frame.area.sum() == pytest.approx(domain.side**2, rel=1e-4)


def test_the_least_unit_is_kept(frame, zones):
    for layer, field in ((frame, "comment_18"), (zones, "COMMENT_18")):
        small = layer.area < 0.98 * 5000
        assert small.mean() < 0.06
        assert layer[field][small].str.startswith("Area size exception").all()
        assert layer[field][layer.area >= 5000].isna().all()


def test_no_neighbours_have_the_same_code(frame):
    tree = shapely.STRtree(frame.geometry)
    left, right = tree.query(frame.geometry, predicate="touches")
    shapes = frame.geometry.to_numpy()
    same = frame.code_4_18.to_numpy()[left] == frame.code_4_18.to_numpy()[right]
    shared = shapely.length(shapely.intersection(shapes[left], shapes[right]))
    assert shared.max() > 50
    assert (shared[same] < 1).all()


def test_labels_are_as_right_as_asked_for(frame, classes, legend, domain):
    right = labels_right(frame, "code_4_18", "n2k2018", classes, legend, domain)
    assert faults("n2k2018")["accuracy_low"] < right < 1


def test_levels_are_prefixes(frame):
    codes = frame[[f"code_{level}_18" for level in (1, 2, 3, 4)]]
    assert (codes.dtypes == np.int32).all()
    assert (codes.code_4_18 // 10 == codes.code_3_18).all()
    assert (codes.code_3_18 // 10 == codes.code_2_18).all()
    assert (codes.code_2_18 // 10 == codes.code_1_18).all()
    assert frame.uid.is_unique


def test_polygons_inside_sites_are_named_after_them(frame, domain, seed, classes, legend):
    sites = make_sites(domain, seed).set_index("site_id").geometry
    named = frame[frame.sitecode.notna()]
    assert set(named.sitecode) == set(sites.index)
    assert 0.1 < len(named) / len(frame) < 0.6
    point = named.geometry.iloc[0].representative_point()
    assert sites[named.sitecode.iloc[0]].contains(point)
    assert n2k(classes, legend, domain, seed).sitecode.isna().all()


def test_zones_follow_the_river(zones, landscape, classes, legend, domain, seed):
    assert zones.geometry.is_valid.all()
    assert 0.02 < zones.area.sum() / domain.side**2 < 0.5
    river = domain.to_map(next(s.line for s in landscape.streams if s.main))
    square = shapely.box(*zones.total_bounds)
    whole = shapely.union_all(zones.geometry)
    assert whole.intersection(river).length > 0.95 * river.intersection(square).length
    known = zones[zones.NODATA_18 == 0]
    assert (zones[zones.NODATA_18 == 1].CODE_4_18 == 0).all()
    right = labels_right(known, "CODE_4_18", "rz2018", classes, legend, domain)
    assert faults("rpz2018")["accuracy_low"] < right <= 1
    dry = riparian(classes, (), landscape.height, legend, domain, seed)
    assert len(dry) == 0
    assert list(dry.columns) == list(zones.columns)


def test_brooks_and_canals_have_no_zone(domain):
    line = LineString([[0, 1000], [2000, 1000]])
    flat = np.zeros((domain.count(20),) * 2, np.float32)
    river, brook = Stream(line, 20.0, order=4), Stream(line, 3.0, order=1)
    canal = Stream(line, 13.0, order=4, canal=True)
    assert not corridor((brook, canal), flat, domain).any()
    strip = corridor((river,), flat, domain)
    assert strip[:, 100].sum() * 5 == pytest.approx(680, abs=60)
    # On a slope the strip is narrower.
    steep = flat + np.abs(domain.axis(20) - 1000)[:, None].astype(np.float32)
    assert corridor((river,), steep, domain)[:, 100].sum() < 0.6 * strip[:, 100].sum()


def lower(path: Path, layer: str | None = None) -> set[str]:
    return {f.lower() for f in pyogrio.read_info(path, layer=layer)["fields"]}


@pytest.mark.real
def test_fields_are_those_of_the_real_files(real_data, frame, zones):
    real = lower(real_data / "clms_other" / "rpz_DU001B_lclu_2018_2012_v03.gpkg")
    status = {f for f in real if not f.endswith("_12")} - {"changecode"}
    assert {c.lower() for c in zones.columns} - {"geometry"} == status
    real = lower(real_data / "clms_n2k_cz" / "n2k_cz_cluster0.gpkg")
    status = {f.replace("maes_", "code_").replace("_12", "_18") for f in real if "_06" not in f}
    assert set(frame.columns) - {"geometry"} == status - {"id", "grasstype", "changecode"}


def test_the_layer_is_the_same_for_the_same_seed(classes, legend, domain, seed, frame):
    again = n2k(classes, legend, domain, seed, make_sites(domain, seed))
    assert isinstance(again, gpd.GeoDataFrame)
    assert again.geometry.equals(frame.geometry)
    other = n2k(classes, legend, domain, Seed(8, "continental"))
    assert len(other) != len(frame) or not other.geometry.equals(frame.geometry)
    assert isinstance(domain, Domain)
