"""A project whose sites lie in two regions, with heights: one model that is told the place."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from workflow_site import NORTH, SIDE, WEST, write

from bocage.errors import InputError
from bocage.workflow import load_project, make_plan, run


@pytest.fixture
def two_regions(tiny, edit):
    """West and east of the site's middle, which is also a border of blocks."""
    folder, middle = tiny.parent, WEST + SIDE // 2
    boxes = [
        shapely.box(WEST - 5000, NORTH - 5000, middle, NORTH + 5000),
        shapely.box(middle, NORTH - 5000, WEST + 5000, NORTH + 5000),
    ]
    regions = gpd.GeoDataFrame({"region": ["alpine", "boreal"]}, geometry=boxes, crs=3035)
    regions.to_file(folder / "regions.gpkg")
    n = SIDE // 10
    write(folder / "heights.tif", np.tile(np.linspace(200, 300, n, dtype=np.float32), (n, 1)))
    return edit(
        tiny,
        **{
            "years": [2021],
            "accuracy": {},
            "aoi.region": "regions.gpkg",
            "imagery.terrain": "heights.tif",
            "model.blend_km": 0.4,
            "model.epochs": 2,
        },
    )


def test_the_model_is_told_regions_and_terrain(two_regions):
    plan = make_plan(load_project(two_regions))
    run(plan, until="posterior")
    facts = json.loads(plan.file("model", "model.json").read_text())
    assert set(facts["layers"]) == {
        "region:alpine", "region:boreal", "elevation", "slope", "northness", "eastness",
    }  # fmt: skip
    for block in plan.blocks:
        with xr.open_dataset(plan.file("posterior", 2021, f"{block.id}.nc")) as posterior:
            assert (posterior["index"].isel(k=0) > 0).any()


def test_blocks_share_what_their_corners_are(two_regions):
    plan = make_plan(load_project(two_regions))
    shares = {}
    for block in plan.blocks:
        place = plan.membership(block)
        np.testing.assert_allclose(place.sum("layer"), 1)
        for y in place["y"].values:
            for x in place["x"].values:
                value = tuple(place.sel(y=y, x=x).values)
                assert shares.setdefault((float(y), float(x)), value) == value
    assert {value[0] for value in shares.values()} == {1.0, 0.5, 0.0}


def test_a_global_model_is_told_no_region(two_regions, edit):
    plan = make_plan(load_project(edit(two_regions, **{"model.regions": "global"})))
    assert all(plan.membership(block) is None for block in plan.blocks)


def test_missing_heights_are_named(two_regions, edit):
    project = load_project(edit(two_regions, **{"imagery.terrain": "nowhere.tif"}))
    with pytest.raises(InputError, match=r"imagery\.terrain"):
        make_plan(project)
