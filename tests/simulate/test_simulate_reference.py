import pyogrio
import pytest
import rasterio

from bocage.files import sha256
from bocage.legend import load_legend
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._landscape import build_landscape
from bocage.simulate._places import make_sites
from bocage.simulate._reference import LAYERS, reference_layers, write_references
from bocage.simulate._tables import class_table, region


@pytest.fixture(scope="module")
def built():
    """Landscape of 2 km on a coast, its truth and its reference layers."""
    name = "atlantic"
    domain, seed = Domain.around(region(name).place, 2), Seed(4, name)
    landscape = build_landscape(domain, region(name), seed)
    legend = load_legend("pa")
    truth = {2021: class_table(legend)[landscape.land]}
    sites = make_sites(domain, seed)
    return domain, reference_layers(truth, truth[2021], landscape, sites, legend, seed)


def test_files_have_the_layout_of_the_real_products(built, tmp_path):
    domain, layers = built
    written = write_references(tmp_path, layers, domain)
    names = {p.relative_to(tmp_path / "reference").as_posix() for p in written}
    hrl = {f"hrl/{n}_2018_010m.tif" for n in ("TCD", "FTY", "GRA", "IMD")}
    assert names == {"clcplus.tif", "heights.tif", *hrl, *(f"{n}.gpkg" for n in LAYERS)}
    for name in ("clcplus.tif", *hrl):
        with rasterio.open(tmp_path / "reference" / name) as source:
            assert source.crs.to_epsg() == 3035
            assert source.res == (10, 10)
            assert source.nodata == 255
            assert source.bounds.left == domain.west
    for name, field in (
        ("n2k2018", "code_4_18"), ("rpz2018", "CODE_4_18"), ("clc2018", "Code_18"),
        ("lucas", "code_2021"),
    ):  # fmt: skip
        info = pyogrio.read_info(tmp_path / "reference" / f"{name}.gpkg")
        assert field in info["fields"]
        assert info["crs"] == "EPSG:3035"
        assert info["features"] >= 1


def test_the_same_layers_give_the_same_bytes(built, tmp_path):
    domain, layers = built
    first = write_references(tmp_path / "a", layers, domain)
    second = write_references(tmp_path / "b", layers, domain)
    assert [sha256(p) for p in first] == [sha256(p) for p in second]


def test_every_layer_covers_the_square(built):
    domain, layers = built
    for name in ("n2k2018", "clc2018"):
        frame = layers.vectors[name]
        assert frame.area.sum() == pytest.approx(domain.side**2, rel=0.01)
        assert frame.geometry.is_valid.all()
