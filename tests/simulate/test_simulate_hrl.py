import csv
from importlib import resources

import numpy as np
import pytest
import rasterio

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import faults
from bocage.simulate._hrl import _mean, hrl


@pytest.fixture(scope="module")
def layers(classes, legend, domain, seed):
    return hrl(classes, legend, domain, seed)


def test_the_table_knows_every_leaf(legend):
    text = (resources.files("bocage.simulate") / "data" / "hrl.csv").read_text()
    rows = {int(r["code"]): r for r in csv.DictReader(text.splitlines())}
    assert set(rows) == set(legend.codes())
    for row in rows.values():
        assert 0 <= float(row["trees_low"]) <= float(row["trees_high"]) <= 100
        assert 0 <= float(row["sealed_low"]) <= float(row["sealed_high"]) <= 100
        assert 0 <= float(row["conifer"]) <= 1


def test_values_are_those_of_the_products(layers, domain):
    for name, most in (("TCD", 100), ("FTY", 2), ("GRA", 1), ("IMD", 100)):
        assert layers[name].shape == (domain.count(10),) * 2
        assert layers[name].dtype == np.uint8
        assert set(np.unique(layers[name])) <= {*range(most + 1), 255}
    assert not (layers["TCD"] == 255).any()


def test_forest_and_grass_are_mostly_right(classes, legend, layers):
    wood = (_mean(classes, "forest", legend) >= 0.5) & (_mean(classes, "trees_low", legend) > 50)
    assert 0.88 < (layers["FTY"][wood] > 0).mean() < 0.99
    assert layers["TCD"][wood & (layers["TCD"] > 0)].mean() > 60
    grass = _mean(classes, "grass", legend) > 0.5
    assert 0.85 < (grass == (layers["GRA"] == 1)).mean() < 0.985


def test_dry_grass_is_missed_more_often(legend):
    domain = Domain.around((4640000, 2930000), 4)
    size = domain.count(2.5)
    classes = np.full((size, size), legend.index(2340), np.uint8)
    classes[:, : size // 2] = legend.index(4100)
    grass = hrl(classes, legend, domain, Seed(1, "x"))["GRA"] == 1
    green, dry = grass[:, : size // 8].mean(), grass[:, size // 8 :].mean()
    assert 0.88 < green < 0.95
    assert 0.80 < dry < green - 0.02


def test_sealed_ground_is_found_and_bare_ground_slips_in(classes, legend, layers):
    built = _mean(classes, "sealed_low", legend) > 30
    assert 0.85 < (layers["IMD"][built] > 0).mean() < 0.99
    assert 30 < layers["IMD"][built & (layers["IMD"] > 0)].mean() < 90
    elsewhere = _mean(classes, "sealed_high", legend) < 3
    assert 0 < (layers["IMD"][elsewhere] > 0).mean() < faults("imd2018")["committed"] + 0.03


def test_conifers_stand_where_they_grow(classes, legend, layers):
    wood = layers["FTY"] > 0
    conifers = _mean(classes, "conifer", legend)
    assert (layers["FTY"][wood & (conifers > 0.9)] == 2).mean() > 0.8
    assert (layers["FTY"][wood & (conifers < 0.1)] == 1).mean() > 0.8


def test_the_sea_is_outside(legend):
    domain = Domain.around((4640000, 2930000), 1)
    size = domain.count(2.5)
    classes = np.full((size, size), legend.index(8420), np.uint8)
    classes[: size // 2] = legend.index(4100)
    layers = hrl(classes, legend, domain, Seed(1, "x"))
    for values in layers.values():
        assert (values[-50:] == 255).all()
        assert (values[:50] != 255).all()


@pytest.mark.real
@pytest.mark.parametrize("name", ["TCD", "FTY", "GRA", "IMD"])
def test_files_look_like_the_real_ones(real_data, name, layers):
    with rasterio.open(real_data / "clms_malta" / f"{name}_2018_010m_malta.tif") as source:
        assert source.dtypes == ("uint8",)
        assert source.nodata == 255
        assert source.res == (10, 10)
        real = set(np.unique(source.read(1)[::8, ::8]).tolist())
    found = set(np.unique(layers[name]).tolist())
    assert max(found - {255}) <= (100 if max(real - {255}) > 2 else max(real - {255}))
