"""Terrain light in a run: surveyed once for the area, shared by its blocks."""

import json

import numpy as np
import pytest
import xarray as xr
from rasterio.transform import from_origin
from workflow_site import NORTH, SIDE, WEST, write

from bocage.errors import InputError
from bocage.imagery import load_lighting
from bocage.workflow import load_project, make_plan, run

MARGIN = 600


@pytest.fixture
def hilly(tiny, edit):
    """The tiny place on a slope to the south."""
    slope = np.mgrid[: SIDE + 2 * MARGIN : 30, : SIDE + 2 * MARGIN : 30][0] * -0.2
    write(
        tiny.parent / "heights.tif",
        (slope + 1000).astype(np.float32),
        nodata=None,
        transform=from_origin(WEST - MARGIN, NORTH + MARGIN, 30, 30),
    )
    keys = {"imagery.terrain": "heights.tif", "imagery.illumination": "c_correction"}
    return edit(tiny, years=[2021], **keys, **{"accuracy.reference": {}})


def give_angles(project):
    for path in (project.parent / "catalog").rglob("*.json"):
        value = json.loads(path.read_text())
        if value["type"] == "Feature":
            value["properties"] |= {"view:sun_elevation": 45.0, "view:sun_azimuth": 165.0}
            path.write_text(json.dumps(value))


def go(project):
    return run(make_plan(load_project(project)), until="imagery", cluster="none")


def test_items_without_angles_are_refused_before_anything_runs(hilly):
    with pytest.raises(InputError, match="does not say where the sun stood"):
        go(hilly)
    assert not list((hilly.parent / "work").rglob("*.nc"))


def test_light_is_surveyed_once_and_again_when_the_heights_change(hilly):
    give_angles(hilly)
    first = go(hilly)
    work = hilly.parent / "work" / "imagery"
    lighting = load_lighting(work / "lighting_2021.json")
    assert set(lighting) == {f"2021-{m:02d}-15" for m in (3, 6, 8, 10)}
    mosaic = next((work / "2021").glob("*.nc"))
    with xr.open_dataset(mosaic) as data:
        assert [d["faults"] for d in json.loads(data.attrs["dates"])] == [[]] * 4
    assert go(hilly).recomputed == 0
    flat = np.zeros((74, 74), np.float32)
    place = from_origin(WEST - MARGIN, NORTH + MARGIN, 30, 30)
    write(hilly.parent / "heights.tif", flat, nodata=None, transform=place)
    assert go(hilly).recomputed == first.recomputed
    assert load_lighting(work / "lighting_2021.json") == {}
    with xr.open_dataset(mosaic) as data:
        assert [d["faults"] for d in json.loads(data.attrs["dates"])] == [["uneven"]] * 4
