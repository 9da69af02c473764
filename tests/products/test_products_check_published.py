"""Published Riparian Zones, Urban Atlas and CORINE layers: the outcome of every step.

The expected outcomes are worked out here from the rules, one polygon at a time, with other means
than those of the check.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
import yaml
from products_twins import outcomes

from bocage.products import CheckReport, check, load_product

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
RZ = DATA / "clms_other" / "rpz_DU001B_lclu_2018_2012_v03.gpkg"
UA = DATA / "clms_other" / "UK568L1_CHESHIRE_WEST_AND_CHESTER_change_2012_2018.gpkg"
CLC = DATA / "clms_malta" / "clc2024_mt.gpkg"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not RZ.exists(), reason="the real data are not beside the checkout"),
]


def _beside(frame: gpd.GeoDataFrame, row: int) -> set[int]:
    """Rows that share more than 1 mm of line with a row, by intersecting with every other."""
    shape = frame.geometry[row]
    near = frame.index[frame.geometry.intersects(shape) & (frame.index != row)]
    return {i for i in near if _line(shape, frame.geometry[i]) > 0.001}


def _line(a, b) -> float:
    parts = shapely.get_parts(shapely.intersection(a, b))
    if len(parts) and shapely.get_dimensions(parts).max() > 1:
        parts = shapely.get_parts(shapely.intersection(a.boundary, b.boundary))
    return float(sum(p.length for p in parts if p.geom_type == "LineString"))


def _overlapping(frame: gpd.GeoDataFrame) -> int:
    shapes = frame.geometry.to_numpy()
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    keep = left < right
    common = shapely.intersection(shapes[left[keep]], shapes[right[keep]])
    return int((shapely.area(shapely.get_parts(common)) > 1e-6).sum())


def _uids(report: CheckReport, step: str) -> set[str]:
    return set(report[step].uids)


# --- Riparian Zones ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rz() -> gpd.GeoDataFrame:
    return pyogrio.read_dataframe(RZ)


@pytest.fixture(scope="module")
def rz_report() -> CheckReport:
    return check(RZ, "rz-status-2018")


def test_riparian_zones_have_the_outcomes_that_the_rules_imply(rz, rz_report) -> None:
    leaves = {chain[-1] for chain in load_product("rz-status-2018").chains}
    strange = set(rz.UID[~rz.CODE_4_12.isin([*leaves, 0])])
    assert strange  # 9110 and 9210, rivers and lakes in the nomenclature before
    assert _uids(rz_report, "enum") == strange
    assert outcomes(rz_report) == {
        "enum": "failed",
        "gap": "cancelled",  # its boundary is not published
        "strict:codes": "failed",
    }
    assert (rz.NODATA_18 == 1).all()
    assert (rz.CODE_4_18 == 0).all()
    assert rz.UID.is_unique
    assert np.allclose(rz.area / 10_000, rz.AREA_HA, atol=1e-4)
    assert _overlapping(rz) == 0


def test_riparian_zones_neighbours_and_small_polygons(rz, rz_report) -> None:
    both = rz.CODE_4_12.astype(str) + rz.CODE_4_18.astype(str)
    assert not any(both[i] == both[j] for i in rz.index for j in _beside(rz, i))
    outline = shapely.union_all(rz.geometry.to_numpy()).boundary
    small = rz.index[rz.AREA_HA < 0.5]
    rim = [shapely.length(outline.intersection(rz.geometry[i].boundary.buffer(1e-6)))
           for i in small]  # fmt: skip
    assert len(small) == 2
    assert all(length > 0.001 for length in rim)
    assert (rz.AREA_HA[small] >= 0.1).all()
    assert set(rz_report["mmu"].findings[0].uids) == set(rz.UID[small])


# --- Urban Atlas ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ua() -> gpd.GeoDataFrame:
    return pyogrio.read_dataframe(UA)


@pytest.fixture(scope="module")
def ua_report() -> CheckReport:
    return check(UA, "ua-change-2012-2018")


def test_urban_atlas_has_the_outcomes_that_the_rules_imply(ua, ua_report) -> None:
    area = ua.area / 10_000
    urban = ua.code_2018.str.startswith("1")
    small = (area < 0.1) | ((area < 0.25) & ~urban)
    assert _uids(ua_report, "mmu") == set(ua.identifier[small])
    assert small.sum() == 38
    assert outcomes(ua_report) == {"mmu": "failed", "strict:mmu": "failed"}
    assert (ua.code_2012 != ua.code_2018).all()
    assert ua.identifier.is_unique
    assert (shapely.get_num_geometries(ua.geometry.to_numpy()) == 1).all()
    assert ua.is_valid.all()
    assert _overlapping(ua) == 0
    pair = ua.code_2012 + ua.code_2018
    assert not any(pair[i] == pair[j] for i in ua.index for j in _beside(ua, i))


def test_urban_atlas_narrow_polygons(ua, ua_report) -> None:
    inner = ua.buffer(-5, quad_segs=8)
    whole = np.array([s.geom_type == "Polygon" and not s.is_empty for s in inner])
    tested = ua.code_2018.isin(map(str, load_product("ua-change-2012-2018").mmw_codes))
    assert set(ua_report["mmw"].findings[0].uids) == set(ua.identifier[~whole & tested])
    assert ua_report["mmw"].outcome == "ok"


# --- CORINE -----------------------------------------------------------------------------------


def _corine(folder: Path) -> Path:
    codes = pyogrio.read_dataframe(CLC, layer="clc24_mt").code_24.astype(int).unique().tolist()
    fields = [("uid", "id", "string", 0), ("code", "code_24", "string", 1),
              ("comment", "remark", "string", 0), ("area", "area_ha", "real", 0)]  # fmt: skip
    data = {
        "id": "clc", "schema": "pa", "legend": "pa", "kind": "status", "years": [2024],
        "layer": "clc24_[a-z]{2}", "units": [], "epsg": 32633, "gap": False, "mmu_ha": 25,
        "mmw_m": 100, "mmw_codes": "all", "comments": [], "codes": {"leaves": codes},
        "exceptions": [{"name": "marginal", "marginal": True, "min_ha": 0}],
        "fields": [dict(zip(("role", "name", "type", "level"), f, strict=True)) for f in fields],
    }  # fmt: skip
    path = folder / "clc.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def test_corine_has_the_outcomes_that_the_rules_imply(tmp_path: Path) -> None:
    frame = pyogrio.read_dataframe(CLC, layer="clc24_mt")
    report = check(CLC, _corine(tmp_path))
    equal = {
        tuple(sorted((frame.id[i], frame.id[j])))
        for i in frame.index
        for j in _beside(frame, i)
        if frame.code_24[i] == frame.code_24[j]
    }
    expected = {"naming": "failed"}  # three more layers in the file
    if _overlapping(frame):
        expected["overlap"] = "failed"
    if equal:
        expected["neighbour"] = "failed"
    if not np.allclose(frame.area / 10_000, frame.area_ha, atol=0.5):
        expected["area"] = "failed"
    if not np.allclose(frame.area / 10_000, frame.area_ha, atol=1e-4):
        expected["strict:area"] = "failed"
    assert outcomes(report) == expected, report.to_table()
    assert {tuple(sorted(p.split())) for p in report["neighbour"].uids} == equal
    assert report["naming"].faults == 3
    assert (frame.area_ha >= 25).all()
    assert "mmu" not in outcomes(report)


def test_layers_of_other_products_are_refused_by_name() -> None:
    for file, product in ((RZ, "ua-status-2018"), (UA, "rz-status-2018"), (CLC, "cz-status-2018")):
        assert outcomes(check(file, product)) == {"naming": "aborted"}
