"""What polygons consist of, and how they behave over the year."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import products_parts as parts
import pytest
import xarray as xr

from bocage.errors import ConfigError, InputError
from bocage.grid import geobox
from bocage.legend import Recode, load_crosswalk, load_legend
from bocage.products import (
    Field,
    check,
    component_shares,
    definition_for,
    load_schema,
    mowing_events,
    status_layer,
    water_persistence,
    write_layer,
)
from bocage.rasters import wrap

MONTHS = (3, 4, 5, 6, 7, 8, 9, 10)


def _mosaic(bands: dict[str, list[float]], gap: list[int] | None = None) -> xr.Dataset:
    """One pixel in space, eight months."""
    box = geobox((0, 0, 10, 10), 10)
    values = np.array([bands[b] for b in bands], np.float32).T[:, :, None, None]
    missing = np.array(gap or [0] * len(MONTHS), np.uint8)[:, None, None]
    months = list(MONTHS)
    return xr.Dataset(
        {
            "reflectance": wrap(values, box, dims=("month", "band", "y", "x"), month=months,
                                band=list(bands)),
            "gap": wrap(missing, box, dims=("month", "y", "x"), month=months),
        }
    )  # fmt: skip


def _ndvi(values: list[float]) -> dict[str, list[float]]:
    """Red 0.1 and the near infrared that gives an NDVI."""
    return {"B04": [0.1] * 8, "B08": [0.1 * (1 + v) / (1 - v) for v in values]}


def test_grass_that_is_cut_twice_has_two_events() -> None:
    twice = _ndvi([0.5, 0.7, 0.8, 0.5, 0.7, 0.5, 0.65, 0.6])
    assert float(mowing_events(_mosaic(twice)).squeeze()) == 2
    # The second cut falls into a month without an image, that is filled in.
    gap = [0, 0, 0, 0, 0, 1, 0, 0]
    assert float(mowing_events(_mosaic(twice, gap)).squeeze()) == 1


@pytest.mark.parametrize(
    "values",
    [
        [0.8] * 8,  # wood
        [0.5, 0.6, 0.8, 0.8, 0.3, 0.2, 0.2, 0.2],  # a harvest: nothing grows again
        [0.5, 0.6, 0.7, 0.6, 0.7, 0.6, 0.7, 0.6],  # too little
        [0.3, 0.1, 0.3, 0.1, 0.3, 0.1, 0.3, 0.1],  # never green
    ],
)
def test_what_is_no_mowing(values: list[float]) -> None:
    assert float(mowing_events(_mosaic(_ndvi(values))).squeeze()) == 0


def test_water_counts_by_the_months_that_were_seen() -> None:
    bands = {"B03": [0.1] * 8, "B08": [0.05] * 4 + [0.2] * 4}
    assert float(water_persistence(_mosaic(bands)).squeeze()) == pytest.approx(50)
    gap = [0, 0, 1, 1, 0, 0, 0, 0]
    assert float(water_persistence(_mosaic(bands, gap)).squeeze()) == pytest.approx(100 / 3)
    assert np.isnan(water_persistence(_mosaic(bands, [2] * 8)).values).all()
    assert water_persistence(_mosaic({"B03": [0.1] * 8})) is None
    assert mowing_events(_mosaic({"B03": [0.1] * 8})) is None


def _recode() -> Recode:
    pa = load_legend("pa")
    return Recode.between(pa, load_legend("clcplus"), load_crosswalk("clcplus", pa))


def test_components_are_what_the_classes_consist_of() -> None:
    recode, schema = _recode(), load_schema("eagle")
    pa = recode.source
    shares = np.zeros((3, len(pa)), np.float32)
    road = pa.index(pa.roles["road"]) - 1
    river = pa.index(pa.roles["river"]) - 1
    shares[0, river] = 0.9  # a tenth is not known: the rest is all there is
    shares[1, [road, river]] = 0.5
    found = component_shares(shares, recode, schema.components.groups)
    # A river is water, or else bare gravel: 2 to 1.
    assert found["water"][0] == pytest.approx(200 / 3)
    assert found["bare"][0] == pytest.approx(100 / 3)
    # A road is sealed, or has grass or bare ground beside it: 2 to 1 to 1.
    assert found["water"][1] == pytest.approx(100 / 3)
    assert found["sealed"][1] == pytest.approx(25)
    assert found["herbs_permanent"][1] == pytest.approx(12.5)
    assert all(np.isnan(v[2]) for v in found.values())


def test_components_add_up_for_every_class() -> None:
    recode, schema = _recode(), load_schema("eagle")
    groups = schema.components.groups
    found = component_shares(np.eye(len(recode.source), dtype=np.float32), recode, groups)
    whole = {"sealed", "trees", "shrubs", "herbs_permanent", "herbs_periodic", "lichens_mosses",
             "bare", "water", "snow_ice"}  # fmt: skip
    np.testing.assert_allclose(sum(found[name] for name in whole), 100, atol=1e-3)
    np.testing.assert_allclose(
        found["needle_trees"] + found["broadleaved_trees"], found["trees"], atol=1e-9
    )


def test_a_layer_with_attributes_passes_its_check(tmp_path: Path) -> None:
    delivery = replace(parts.delivery((2021,)), schema=load_schema("eagle"))
    names = [f.name for f in delivery.fields("status", 2021) if f.role == "attribute"]
    view = parts.view().assign(**dict.fromkeys(names, 12.5)).assign(imperviousness=np.nan)
    layer = status_layer(view, 2021, delivery)
    files = write_layer(layer, tmp_path, delivery, "status", 2021)
    definition = replace(definition_for(delivery, "status", 2021), gap=False)
    found = check([files.zip], definition)
    assert found.passed, found.to_dict()
    assert layer["imperviousness"].isna().all()
    assert (layer["trees"] == 12.5).all()
    with pytest.raises(InputError, match="no column 'snow_ice'"):
        status_layer(view.drop(columns="snow_ice"), 2021, delivery)
    assert Field("attribute", "trees", "real") in delivery.fields("status", 2021)


def test_components_of_a_schema_are_checked(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("extends: plain\ncomponents: {legend: clcplus}\n")
    with pytest.raises(ConfigError, match="components: missing key crosswalk, groups"):
        load_schema(tmp_path / "own.yaml")
