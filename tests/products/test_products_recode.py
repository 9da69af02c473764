"""The same map in other classes: polygons, rasters, and what keeps to a coarser unit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import products_parts as parts
import pytest
import shapely
from odc.geo.geobox import GeoBox

from bocage.generalize import Coverage, GeneralizeSettings, class_shares, load_rules
from bocage.grid import DeliveryUnit, geobox
from bocage.legend import Legend, LegendClass, Recode, load_crosswalk, load_legend
from bocage.posterior import Posterior
from bocage.products import (
    Delivery,
    change_layer,
    check,
    coarser_raster,
    definition_for,
    fit_rules,
    joined_reports,
    layer_means,
    load_schema,
    recode_coverage,
    recode_raster,
    status_layer,
    write_boundary,
    write_layer,
)
from bocage.rasters import wrap

MAP = Legend(
    "map",
    tuple(
        LegendClass((n,), (name,), f"#0000{n:02x}")
        for n, name in enumerate(("town", "grass", "wood"), start=1)
    ),
)
OTHER = Legend(
    "other",
    tuple(
        LegendClass((n,), (name,), f"#0000{n:02x}")
        for n, name in ((10, "dense"), (11, "loose"), (30, "green"))
    ),
)
PLAIN = GeneralizeSettings(rules=load_rules("plain"))


@pytest.fixture
def recode(tmp_path: Path) -> Recode:
    """Town is dense, or loose where there is grass; grass and wood are one."""
    text = "source_code,code,primary\n10,1,1\n11,1,0\n11,2,0\n30,2,1\n30,3,1\n"
    (tmp_path / "cw.csv").write_text(text)
    return Recode.between(MAP, OTHER, load_crosswalk(tmp_path / "cw.csv", MAP))


def _coverage(*rows: tuple[int, int]) -> Coverage:
    """Squares of 1 ha in a row, each with a pair of codes."""
    codes = np.array(rows, np.int32)
    frame = gpd.GeoDataFrame(
        {"code_2021": codes[:, 0], "code_2024": codes[:, 1]},
        geometry=[parts.square(i, 0) for i in range(len(rows))],
        crs="EPSG:3035",
    )
    return Coverage(frame, (2021, 2024))


def _codes(coverage: Coverage) -> list[tuple[int, ...]]:
    return [tuple(map(int, row)) for row in coverage.frame[["code_2021", "code_2024"]].to_numpy()]


def test_an_unchanged_polygon_stays_unchanged_whatever_the_years_say(recode: Recode) -> None:
    coverage = _coverage((1, 1), (1, 2), (0, 1))
    one = np.array([[1.0, 0, 0], [1, 0, 0], [0, 0, 0]], np.float32)
    grassy = np.array([[0.4, 0.6, 0], [0.4, 0.6, 0], [0.4, 0.6, 0]], np.float32)
    made, report = recode_coverage(coverage, recode, [one, grassy])
    # Town alone would be dense in 2021 and loose in 2024: together 0.7 town and 0.3 grass.
    assert _codes(made)[0] == (10, 10)
    assert _codes(made)[1][0] == 10
    assert _codes(made)[2] == (0, 11)
    assert report["count"].sum() == 5  # five codes that are not 0
    assert report["area_ha"].sum() == pytest.approx(5)


def test_the_report_says_what_could_not_be_decided(recode: Recode) -> None:
    made, report = recode_coverage(_coverage((1, 1), (3, 3), (1, 3)), recode)
    rows = report.set_index(["year", "code", "target", "decided_by"])
    assert rows.loc[(2021, 1, 10, "undecided"), "count"] == 2
    assert rows.loc[(2024, 3, 30, "table"), "area_ha"] == pytest.approx(2)
    twice = joined_reports([report, report])
    assert twice["count"].sum() == 2 * report["count"].sum()
    assert _codes(made) == [(10, 10), (30, 30), (10, 30)]


def test_changes_within_one_class_vanish_and_neighbours_unite(recode: Recode) -> None:
    made, _ = recode_coverage(_coverage((2, 3), (3, 3), (1, 1)), recode)
    schema = replace(load_schema("plain"), mmu_ha=0.5, mmw_m=10)
    fitted, left_out = fit_rules(made, OTHER, schema, PLAIN)
    assert sorted(_codes(fitted)) == [(10, 10), (30, 30)]
    assert len(fitted.change()) == 0
    assert left_out == 0
    assert fitted.area_ha == pytest.approx(3)


def test_the_coarse_unit_holds_and_islands_are_left_out() -> None:
    """Two blocks: 6 x 6 ha with specks of 1 ha, and an island of 2 ha."""
    rng = np.random.default_rng(3)
    shapes, codes = [], []
    for i in range(6):
        for j in range(6):
            shapes.append(parts.square(i, j))
            codes.append(int(rng.choice([10, 10, 10, 11, 30])))
    shapes += [parts.square(20, 0), parts.square(21, 0)]
    codes += [10, 30]
    frame = gpd.GeoDataFrame(
        {"code_2021": np.array(codes, np.int32)}, geometry=shapes, crs="EPSG:3035"
    )
    coverage = Coverage(frame, (2021,))
    schema = replace(load_schema("clc"), mmw_m=10)
    fitted, left_out = fit_rules(coverage, OTHER, schema, PLAIN)
    assert left_out == pytest.approx(2)
    assert fitted.frame.area.min() >= 25e4
    assert fitted.area_ha == pytest.approx(36)
    kept, none = fit_rules(coverage, OTHER, replace(schema, islands=True), PLAIN)
    assert none == 0
    assert kept.area_ha == pytest.approx(38)
    empty, all_of_it = fit_rules(coverage, OTHER, replace(schema, mmu_ha=100), PLAIN)
    assert empty.frame.empty
    assert all_of_it == pytest.approx(38)


def test_a_greater_width_is_kept() -> None:
    """A strip of 40 m between two fields of 30 ha is no polygon of 100 m width."""
    west, strip, east = (parts.square(x, 0, w, 8) for x, w in ((0, 4), (4, 0.4), (4.4, 4)))
    frame = gpd.GeoDataFrame(
        {"code_2021": np.array([10, 11, 30], np.int32)}, geometry=[west, strip, east],
        crs="EPSG:3035",
    )  # fmt: skip
    fitted, _ = fit_rules(Coverage(frame, (2021,)), OTHER, load_schema("clc"), PLAIN)
    assert set(fitted.frame["code_2021"]) == {10, 30}
    assert fitted.area_ha == pytest.approx(67.2)


def test_means_of_a_layer_in_polygons() -> None:
    box = geobox(parts.AREA.bounds, 10)
    values = np.full(box.shape, 10, np.float32)
    values[:, :10] = 90  # the westernmost 100 m
    values[-10:, 10:] = np.nan  # the southern row but for its first square
    frame = gpd.GeoDataFrame(
        geometry=[parts.square(0, 2), parts.square(1, 2), parts.square(1, 0), parts.square(0.5, 2)],
        crs="EPSG:3035",
    )
    found = layer_means(frame, wrap(values, box))
    np.testing.assert_allclose(found, [90, 10, np.nan, 50])


def _posterior(probability: np.ndarray, box: GeoBox) -> Posterior:
    return Posterior.from_probabilities(probability.astype(np.float32), box, MAP)


def test_pixels_are_decided_by_their_own_probabilities(recode: Recode) -> None:
    box = geobox((0, 0, 20, 20), 2.5)
    values = np.ones(box.shape, np.uint8)
    values[0, 0], values[7, 7] = 0, 255
    probability = np.zeros((3, *box.shape))
    probability[0], probability[1, :, 4:] = 1, 2  # grass in the east
    made, report = recode_raster(
        wrap(values, box), recode, 2021, posterior=_posterior(probability, box)
    )
    assert (made.values[1:, :4] == 1).all()
    assert (made.values[:7, 4:] == 2).all()
    assert (made.values[0, 0], made.values[7, 7]) == (0, 255)
    rows = report.set_index(["target", "decided_by"])
    assert rows.loc[(10, "undecided"), "count"] == 31
    assert rows.loc[(11, "posterior"), "area_ha"] == pytest.approx(31 * 6.25e-4)


def test_coarse_pixels_have_the_most_frequent_class(recode: Recode) -> None:
    box = geobox((0, 0, 20, 20), 2.5)
    values = np.full(box.shape, 3, np.uint8)
    values[:4, :3] = 1  # 12 of 16
    values[4:, 4:] = 255
    values[4:7, 4:6] = 1  # 6 of 16: most of the pixel is outside
    made, _ = recode_raster(wrap(values, box), recode, 2021, factor=4)
    assert made.values.tolist() == [[1, 3], [3, 255]]
    assert float(made.odc.geobox.resolution.x) == 10


def test_pixels_are_decided_by_ancillary_layers(tmp_path: Path) -> None:
    text = "source_code,code,primary,layer,least\n10,1,1,sealing,50\n11,1,0,,\n30,2,1,,\n30,3,1,,\n"
    (tmp_path / "cw.csv").write_text(text)
    recode = Recode.between(MAP, OTHER, load_crosswalk(tmp_path / "cw.csv", MAP))
    box = geobox((0, 0, 20, 20), 2.5)
    sealing = np.full(box.shape, 80, np.float32)
    sealing[:, 4:], sealing[0] = 20, np.nan
    made, report = recode_raster(
        wrap(np.ones(box.shape, np.uint8), box), recode, 2021,
        layers={"sealing": wrap(sealing, box)},
    )  # fmt: skip
    assert (made.values[:, :4] == 1).all()
    assert (made.values[1:, 4:] == 2).all()
    rows = report.set_index(["target", "decided_by"])
    assert rows.loc[(11, "layer"), "count"] == 28


def test_a_raster_of_the_same_classes_gets_coarser() -> None:
    box = geobox((0, 0, 20, 20), 2.5)
    values = np.full(box.shape, 3, np.uint8)
    values[:4, :3], values[4:, 4:], values[4:, :4] = 1, 255, 0
    made = coarser_raster(wrap(values, box), 4)
    assert made.values.tolist() == [[1, 3], [0, 255]]
    assert float(made.odc.geobox.resolution.x) == 10


def test_shares_of_classes_in_polygons() -> None:
    box = geobox(parts.AREA.bounds, 10)
    values = np.ones(box.shape, np.uint8)
    values[:, ::2] = 2
    frame = gpd.GeoDataFrame(
        {"code": np.array([1, 2], np.int32)}, geometry=[parts.square(0, 0), parts.square(1, 1)],
        crs="EPSG:3035",
    )  # fmt: skip
    classes = wrap(values, box)
    np.testing.assert_allclose(class_shares(frame, classes, MAP), [[0.5, 0.5, 0]] * 2, atol=1e-6)
    probability = np.zeros((3, *box.shape))
    probability[0], probability[2] = 0.8, 0.2
    found = class_shares(frame, classes, MAP, posterior=_posterior(probability, box))
    np.testing.assert_allclose(found, [[0.8, 0, 0.2]] * 2, atol=0.01)


def _n2k(years: tuple[int, ...]) -> Delivery:
    base = parts.delivery(years)
    legend, unit = load_legend("n2k2018"), DeliveryUnit("du014a", "blacksea")
    return replace(base, schema=load_schema("n2k2018"), legend=legend, unit=unit)


def test_a_map_in_the_schema_of_n2k_2018_passes_the_check(tmp_path: Path) -> None:
    """By our definition, and for the year 2018 by that of the published product."""
    pa = load_legend("pa")
    recode = Recode.between(pa, load_legend("n2k2018"), load_crosswalk("n2k2018", pa))
    view = parts.view()
    halves = [leaf.code for leaf in pa.classes if leaf.codes[1] == 63]
    codes = view["code"].to_numpy().copy()
    codes[[5, 6]] = halves[:2]  # two classes that are one in 2018, side by side
    frame = view[["geometry"]].assign(code_2018=codes.astype(np.int32))
    coverage, report = recode_coverage(Coverage(frame, (2018,)), recode)
    assert set(report["decided_by"]) == {"table"}
    delivery = _n2k((2018,))
    fitted, _ = fit_rules(coverage, delivery.legend, delivery.schema, GeneralizeSettings())
    layer = status_layer(fitted.status(2018), 2018, delivery)
    assert len(layer) == 15
    files = write_layer(layer, tmp_path, delivery, "status", 2018)
    boundary = write_boundary(parts.AREA, delivery.unit, tmp_path)
    for definition in (definition_for(delivery, "status", 2018), "n2k-status-2018"):
        found = check([files.zip], definition, boundary=boundary)
        assert found.passed, found.to_dict()


@pytest.mark.parametrize("name", ["clc", "maes", "eunis", "lulucf", "n2k2018"])
def test_layers_of_every_packaged_schema_pass_their_check(tmp_path: Path, name: str) -> None:
    pa, schema = load_legend("pa"), load_schema(name)
    target = load_legend(name)
    recode = Recode.between(pa, target, load_crosswalk(name, pa))
    grown = [shapely.affinity.scale(s, 10, 10, origin=(parts.X0, parts.Y0))
             for s in parts.view().geometry]  # fmt: skip
    codes = parts.view()["code"].to_numpy().astype(np.int32)
    later = codes.copy()
    later[0] = codes[2]
    frame = gpd.GeoDataFrame({"code_2021": codes, "code_2024": later}, geometry=grown, crs=3035)
    coverage, _ = recode_coverage(Coverage(frame, (2021, 2024)), recode)
    delivery = replace(parts.delivery(), schema=schema, legend=target)
    fitted, _ = fit_rules(coverage, target, schema, GeneralizeSettings())
    assert fitted.frame.area.min() >= schema.mmu_ha * 1e4
    area = shapely.affinity.scale(parts.AREA, 10, 10, origin=(parts.X0, parts.Y0))
    boundary = write_boundary(area, delivery.unit, tmp_path)
    for year in delivery.years:
        layer = status_layer(fitted.status(year), year, delivery)
        files = write_layer(layer, tmp_path, delivery, "status", year)
        found = check([files.zip], definition_for(delivery, "status", year), boundary=boundary)
        assert found.passed, found.to_dict()
    files = write_layer(change_layer(fitted.change(), delivery), tmp_path, delivery, "change")
    found = check([files.zip], definition_for(delivery, "change"))
    assert found.passed, found.to_dict()
    if name == "eunis":
        assert layer["eunis"].str.fullmatch("[A-JX][0-9A-Z]*").all()
        assert layer["class_name"].notna().all()
