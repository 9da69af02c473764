"""Shifts of dates in a run: surveyed once for the area, shared by its blocks."""

import json

import numpy as np
import pytest
import xarray as xr

from bocage.imagery import Shifts, load_shifts, save_shifts
from bocage.workflow import load_project, make_plan, run


def go(project):
    return run(make_plan(load_project(project)), until="imagery", cluster="none")


@pytest.fixture
def one_year(tiny, edit):
    return edit(tiny, years=[2021], **{"accuracy.reference": {}})


def test_shifts_are_surveyed_only_where_they_are_used(one_year, edit):
    store = one_year.parent / "work" / "imagery" / "shifts_2021.json"
    go(edit(one_year, **{"imagery.coregister": "report"}))
    assert not store.exists()
    go(edit(one_year, **{"imagery.coregister": "none", "superres.frames": True}))
    shifts = load_shifts(store)
    assert set(shifts.days) <= {f"2021-{m:02d}-15" for m in (3, 6, 8, 10)}
    assert len(shifts.places) >= 1


def test_they_are_surveyed_once_and_reach_every_block(one_year, edit):
    project = edit(one_year, **{"imagery.coregister": "apply", "superres.frames": True})
    first = go(project)
    work = project.parent / "work" / "imagery"
    store = work / "shifts_2021.json"
    written = store.stat().st_mtime_ns
    assert go(project).recomputed == 0
    assert store.stat().st_mtime_ns == written
    # What the survey says is what is done, in the mosaics and in their dates.
    save_shifts(Shifts(((0.0, 0.0),), {"2021-06-15": ((0.5, -0.25),)}), store)
    assert go(project).recomputed == first.recomputed
    mosaics = [p for p in (work / "2021").glob("*.nc") if "frames" not in p.name]
    assert mosaics
    for path in mosaics:
        with xr.open_dataset(path) as mosaic:
            moved = {d["date"]: d["shift"] for d in json.loads(mosaic.attrs["dates"]) if d["moved"]}
        assert moved == {"2021-06-15": [0.5, -0.25]}
        with xr.open_dataset(path.with_name(f"{path.stem}_frames.nc")) as frames:
            june = frames.sel(date="2021-06-15")
            assert np.hypot(june["down"], june["right"]) == pytest.approx(0.559, abs=0.01)
            assert (frames["down"].drop_sel(date="2021-06-15") == 0).all()
    # Another mask may show other ground: it is surveyed anew.
    go(edit(project, **{"imagery.dilation_px": 3}))
    assert load_shifts(store).places != ((0.0, 0.0),)
