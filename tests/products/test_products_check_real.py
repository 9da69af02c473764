"""Real N2K polygons of 2012: what the rules say about them, worked out from the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
import yaml
from products_twins import outcomes

from bocage.products import CheckReport, check, load_product

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "clms_n2k_cz"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.exists(), reason="the real data are not beside the checkout"),
]
TYPES = (
    ("uid", "uid", "string", 0), ("code", "maes_1_12", "integer", 1),
    ("code", "maes_2_12", "integer", 2), ("code", "maes_3_12", "integer", 3),
    ("code", "maes_4_12", "integer", 4), ("nodata", "nodata_12", "integer", 0),
    ("comment", "comment_12", "string", 0), ("area", "area_ha", "real", 0),
)  # fmt: skip
OTHERS = ["id", "sitecode", "grasstype", "comment_06", "nodata_06", "changecode",
          *(f"maes_{n}_06" for n in range(1, 5))]  # fmt: skip


def _product(folder: Path, **changes: object) -> Path:
    fields = [dict(zip(("role", "name", "type", "level"), row, strict=True)) for row in TYPES]
    data = {
        "id": "n2k-2012", "schema": "pa", "legend": "pa", "kind": "status", "years": [2012],
        "layer": "n2k_lclu_2006_2012", "units": [], "ignored": OTHERS, "gap": False,
        "codes": {"drop": [6311, 6312, 6331, 6332],
                  "add": [[6, 63, 631, 6310], [6, 63, 633, 6330]]},
        "fields": fields, **changes,
    }  # fmt: skip
    path = folder / "n2k.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def _check(name: str, folder: Path, **changes: object) -> CheckReport:
    return check(DATA / f"n2k_cz_{name}.gpkg", _product(folder, **changes))


def test_the_2018_product_refuses_the_2012_layer() -> None:
    report = check(DATA / "n2k_cz_cluster0.gpkg", "n2k-status-2018")
    assert report["naming"].outcome == "aborted"
    assert "n2k_lclu_2006_2012" in report["naming"].messages[0]


@pytest.mark.parametrize("name", ["cluster0", "cluster2"])
def test_published_polygons_are_topologically_clean(name: str, tmp_path: Path) -> None:
    report = _check(name, tmp_path)
    for step in ("attribute", "epsg", "unique", "nodata", "singlepart", "geometry", "area",
                 "overlap", "strict:area"):  # fmt: skip
        assert report[step].outcome == "ok", report[step].messages


@pytest.mark.parametrize("name", ["cluster0", "cluster2"])
def test_steps_that_fail_are_those_that_the_data_imply(name: str, tmp_path: Path) -> None:
    frame = pyogrio.read_dataframe(DATA / f"n2k_cz_{name}.gpkg")
    report = _check(name, tmp_path)
    # The nomenclature of 2012 has water under 9 and splits transitional woodland.
    chains = load_product("n2k-status-2018").chains
    known = [frame[f"MAES_{n}_12"].isin({c[n - 1] for c in chains}) for n in range(1, 5)]
    strange = ~np.logical_and.reduce(known)
    assert set(frame.MAES_4_12[strange]) <= {3410, 3420, 9110, 9210}
    assert set(report["enum"].uids) == set(frame.UID[strange])
    failed = {"enum": "failed", "strict:codes": "failed"}
    failed |= {"neighbour": "failed"} if report["neighbour"].uids else {}
    failed |= {"mmu": "failed", "strict:mmu": "failed"} if report["mmu"].uids else {}
    assert outcomes(report) == failed


@pytest.mark.parametrize("name", ["cluster0", "cluster2"])
def test_equal_neighbours_are_those_of_the_definition(name: str, tmp_path: Path) -> None:
    frame = pyogrio.read_dataframe(DATA / f"n2k_cz_{name}.gpkg")
    shapes, codes = frame.geometry.to_numpy(), frame.MAES_4_12.to_numpy()
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    keep = (left < right) & (codes[left] == codes[right])
    left, right = left[keep], right[keep]
    common = shapely.intersection(shapes[left], shapes[right])
    expected = {
        f"{frame.UID[a]} {frame.UID[b]}"
        for a, b, c in zip(left, right, common, strict=True)
        if sum(p.length for p in shapely.get_parts(c) if p.geom_type == "LineString") > 0.001
    }
    assert set(_check(name, tmp_path)["neighbour"].uids) == expected


@pytest.mark.parametrize("name", ["cluster0", "cluster2"])
def test_small_polygons_are_those_without_an_exception(name: str, tmp_path: Path) -> None:
    frame = pyogrio.read_dataframe(DATA / f"n2k_cz_{name}.gpkg")
    small = np.flatnonzero(frame.AREA_HA < 0.5)
    linear = (1210, 1220, 8110, 8120)
    outline = shapely.union_all(frame.geometry.to_numpy()).boundary.buffer(1e-6)
    faulty = set()
    for i in small:
        shape, area, code = frame.geometry[i], frame.AREA_HA[i], frame.MAES_4_12[i]
        shared = frame.geometry.intersection(shape).length
        beside = set(frame.MAES_4_12[(shared > 0.001) & (frame.index != i)])
        excused = (
            (area >= 0.1 and shape.boundary.intersection(outline).length > 0.001)
            or (code in linear and beside & set(linear) and area >= 0.1)
            or (code < 2000 and code not in linear and beside & {1210, 1220} and area >= 0.25)
            or (code >= 2000 and beside & set(linear) and area >= 0.05)
            or frame.COMMENT_12[i] == "Area size exception (at Natura2000 AoI boundary)"
        )
        if not excused:
            faulty.add(frame.UID[i])
    assert set(_check(name, tmp_path)["mmu"].uids) == faulty
