import json
import warnings
from pathlib import Path

import numpy as np
import pyogrio
import pystac
import pytest
import rasterio
import yaml
from odc.stac import stac_load
from pystac.validation import RegisteredValidator

from bocage.errors import InputError
from bocage.files import sha256
from bocage.grid import list_regions as grid_regions
from bocage.grid import read_sites
from bocage.legend import load_legend
from bocage.simulate import list_regions, simulate
from bocage.simulate._domain import Seed
from bocage.simulate._landscape import build_landscape
from bocage.simulate._simulate import _write_project
from bocage.simulate._tables import BANDS, RESOLUTION, region

YEARS = (2021, 2024)
HRL = ("TCD", "FTY", "GRA", "IMD")


@pytest.fixture(scope="module")
def items(area):
    catalog = pystac.Catalog.from_file(str(area / "catalog" / "catalog.json"))
    return sorted(catalog.get_items(recursive=True), key=lambda i: i.datetime)


@pytest.fixture(scope="module")
def truth(area):
    layers = {}
    for year in YEARS:
        with rasterio.open(area / "truth" / f"lulc_{year}.tif") as source:
            layers[year] = source.read(1)
    return layers


def test_the_layout_is_that_of_the_contract(area):
    expected = {
        "catalog/catalog.json", "catalog/sentinel-2-l2a/collection.json",
        "truth/lulc_2021.tif", "truth/lulc_2024.tif", "reference/clcplus.tif",
        "reference/n2k2018.gpkg", "reference/lucas.gpkg", "sites.gpkg", "linear/roads.gpkg",
        "linear/rails.gpkg", "linear/rivers.gpkg", "project.yaml", "card.json", "card.html",
        "reference/clc2018.gpkg", "reference/rpz2018.gpkg", "linear/eu_hydro.gpkg",
        "reference/heights.tif", "delivery_unit.gpkg",
        *(f"reference/hrl/{n}_2018_010m.tif" for n in HRL),
    }  # fmt: skip
    found = {p.relative_to(area).as_posix() for p in area.rglob("*") if p.is_file()}
    assert expected <= found
    rest = {f for f in found - expected if not f.startswith("catalog/")}
    assert rest == set()
    assert not any(p.name.startswith(".") for p in area.rglob("*"))


def test_the_truth_lies_on_the_grid_of_the_sites(area, truth):
    sites = read_sites(area / "sites.gpkg")
    west, _, _, north = sites.total_bounds
    with rasterio.open(area / "truth" / "lulc_2021.tif") as source:
        assert source.crs.to_epsg() == 3035
        assert source.res == (2.5, 2.5)
        assert source.nodata == 255
        bounds = source.bounds
        assert bounds.left <= west < bounds.left + 2.5
        assert bounds.top - 2.5 < north <= bounds.top
        assert bounds.left % 2.5 == bounds.top % 2.5 == 0
        red, green, blue, _ = source.colormap(1)[1]
    assert f"#{red:02x}{green:02x}{blue:02x}" == load_legend("pa").classes[0].color
    inside = truth[2021] != 255
    assert inside.sum() * 6.25 == pytest.approx(sites.area.sum(), rel=0.01)
    assert truth[2021][inside].min() >= 1
    assert ((truth[2024] != 255) == inside).all()


def test_a_little_changes(truth):
    inside = truth[2021] != 255
    assert 0.005 < (truth[2021] != truth[2024])[inside].mean() < 0.03
    assert len(np.unique(truth[2021][inside])) >= 18


def test_items_are_valid_stac(items):
    for item in items:
        plain = item.to_dict(transform_hrefs=False)
        # The schemas of extensions are online; the core schema ships with pystac.
        plain["stac_extensions"] = []
        assert RegisteredValidator.get_validator().validate_core(
            plain, pystac.STACObjectType.ITEM, pystac.get_stac_version()
        )
        assert set(item.assets) == {*BANDS, "SCL"}
        assert all(not a.href.startswith("/") for a in item.assets.values())
        assert item.properties["proj:code"] == "EPSG:32633"


def test_there_are_dates_in_every_season(items):
    for year in YEARS:
        dates = [i for i in items if i.datetime.year == year]
        assert 20 <= len(dates) <= 60
        assert {i.datetime.month % 12 // 3 for i in dates} == {0, 1, 2, 3}
        assert len({i.id for i in items}) == len(items)


def test_the_card_tells_what_is_in_the_folder(area, truth, items):
    card = json.loads((area / "card.json").read_text())
    assert (card["region"], card["seed"], card["years"]) == ("continental", 7, list(YEARS))
    text = (area / "card.html").read_text()
    assert text.count("data:image/") >= 6
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_assets_are_cogs_named_after_their_band(area, items):
    for name in ("B02", "B11", "SCL"):
        asset = items[0].assets[name]
        with rasterio.open(asset.get_absolute_href()) as source:
            assert source.descriptions == (name,)
            assert source.dtypes == ("uint8" if name == "SCL" else "uint16",)
            assert source.nodata == 0
            assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert source.res == ((20, 20) if name == "SCL" else (RESOLUTION[name],) * 2)
            assert list(source.transform)[:6] == asset.extra_fields["proj:transform"]
            assert list(source.shape) == asset.extra_fields["proj:shape"]


def test_offsets_follow_the_baseline(items):
    rules = {i.datetime.year: (i.properties["s2:processing_baseline"],
                               i.assets["B04"].extra_fields["raster:bands"][0]["offset"])
             for i in items}  # fmt: skip
    assert rules == {2021: ("03.01", 0.0), 2024: ("05.10", -0.1)}


def test_stable_land_looks_alike_in_both_years(items):
    medians = {}
    for year in YEARS:
        summer = [i for i in items if i.datetime.year == year and i.datetime.month in (6, 7, 8)]
        clear = min(summer, key=lambda i: i.properties["eo:cloud_cover"])
        rule = clear.assets["B08"].extra_fields["raster:bands"][0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = stac_load([clear], bands=["B08", "SCL"], resolution=10).isel(time=0)
        stored = data["B08"].values
        seen = (stored > 0) & np.isin(data["SCL"].values, (4, 5, 6))
        assert seen.mean() > 0.5
        medians[year] = np.median(stored[seen] * rule["scale"] + rule["offset"])
    assert medians[2021] == pytest.approx(medians[2024], abs=0.06)
    assert 0.12 < medians[2021] < 0.5


def test_the_project_file_is_ready_to_run(area):
    project = yaml.safe_load((area / "project.yaml").read_text())
    assert project["years"] == [2021, 2024]
    assert project["aoi"]["region"] == "continental"
    named = [
        project["aoi"]["sites"],
        project["imagery"]["catalog"],
        *project["linear"].values(),
        *(s["layer"] for s in project["samples"]["sources"]),
        *project["accuracy"]["reference"].values(),
    ]
    assert all((area / path).exists() for path in named)
    assert set(project["accuracy"]["reference"]) == {2021, 2024}


def test_reference_layers_have_their_fields(area):
    polygons = pyogrio.read_dataframe(area / "reference" / "n2k2018.gpkg", layer="n2k2018")
    assert polygons.code_4_18.dtype.kind == "i"
    assert polygons.crs.to_epsg() == 3035
    points = pyogrio.read_dataframe(area / "reference" / "lucas.gpkg")
    assert {"code_2021", "code_2024"} <= set(points.columns)
    with rasterio.open(area / "reference" / "clcplus.tif") as source:
        assert source.res == (10, 10)
        assert source.bounds.left % 10 == 0


def test_the_same_seed_gives_the_same_bytes_wherever_it_is_written(area, tmp_path, monkeypatch):
    told = []
    monkeypatch.chdir(tmp_path)
    simulate(Path(), region="continental", size_km=1, seed=7, progress=told.append)
    first = {p.relative_to(area): sha256(p) for p in area.rglob("*") if p.is_file()}
    second = {p.relative_to(tmp_path): sha256(p) for p in tmp_path.rglob("*") if p.is_file()}
    assert first == second
    assert any("2024" in text for text in told)


def test_another_seed_gives_another_place(domain, landscape):
    other = build_landscape(domain, region("continental"), Seed(8, "continental"))
    assert (other.land != landscape.land).mean() > 0.5


def test_a_single_year_has_a_project_too(tmp_path):
    path = _write_project(tmp_path, "alpine", 1.5, 3, (2021,), [4, 5, 7])
    project = yaml.safe_load(path.read_text())
    assert project["years"] == [2021]
    assert project["name"] == "virtual-alpine-1_5km-3"
    assert project["imagery"]["months"] == [4, 5, 7]


def test_the_project_asks_for_months_that_both_years_have(area, items):
    project = yaml.safe_load((area / "project.yaml").read_text())
    seen = [{i.datetime.month for i in items if i.datetime.year == year} for year in YEARS]
    assert set(project["imagery"]["months"]) == seen[0] & seen[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size_km": 0.5}, "size of 0.5 km is out of range"),
        ({"size_km": 30}, "use 1 to 24 km"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"years": (2024, 2021)}, r"years \[2024, 2021\] cannot be simulated"),
        ({"years": ()}, "one or more different years"),
        ({"region": "atlantis"}, "no region 'atlantis'"),
    ],
)
def test_wrong_input_is_named_and_nothing_is_written(change, message, tmp_path):
    given = {"region": "continental", "size_km": 1, "seed": 1, **change}
    with pytest.raises(InputError, match=message):
        simulate(tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_regions_are_those_of_the_grid_and_some_coasts():
    assert set(list_regions()) > set(grid_regions())
    assert len(list_regions()) >= 12
