"""What pieces depend on: the content of what a project names, not only the names."""

import numpy as np
import pytest

from bocage.cubes import load_dataset
from bocage.model import load_pixels
from bocage.workflow import load_project, make_plan, run
from bocage.workflow.rooms._fine import series_files
from bocage.workflow.rooms.assessment import accuracy_pieces, check_pieces
from bocage.workflow.rooms.deliver import products_pieces
from bocage.workflow.rooms.maps import generalize_pieces
from bocage.workflow.rooms.model import posterior_pieces
from bocage.workflow.rooms.samples import pixel_file, pixel_pieces

RULES = "id: own\nexceptions: [{name: rim, min_ha: 0.1, at_rim: true}]\n"


@pytest.fixture
def named(tiny, edit):
    """A project whose rules, schemas and crosswalk are files; the pieces of its plan."""
    folder = tiny.parent
    (folder / "rules.yaml").write_text(RULES)
    (folder / "main.yaml").write_text("extends: plain\nid: main\nmmu_ha: 0.5\n")
    (folder / "wide.yaml").write_text("extends: plain\nid: wide\nrules: rules.yaml\n")
    (folder / "same.csv").write_text("source_code,code\n1,1\n2,2\n3,3\n")
    edit(
        tiny,
        **{
            "generalize.rules": "rules.yaml",
            "aoi.delivery_name": "unit",
            "products.schema": "main.yaml",
            "products.schemas": ["wide.yaml"],
            "accuracy.reference": {2021: {"layer": "reference_2021.tif", "crosswalk": "same.csv"}},
        },
    )

    def settings():
        plan = make_plan(load_project(tiny))
        rooms = (generalize_pieces, products_pieces, check_pieces, accuracy_pieces)
        return {(p.room, p.id): p.settings for room in rooms for p in room(plan)}

    return folder, settings


@pytest.mark.parametrize(
    ("file", "old", "new", "rooms"),
    [
        ("rules.yaml", "0.1", "0.2", {"generalize", "products"}),
        ("main.yaml", "0.5", "0.6", {"products", "check"}),
        ("same.csv", "3,3", "3,2", {"accuracy"}),
    ],
)
def test_what_a_file_says_is_part_of_the_key(named, file, old, new, rooms):
    folder, settings = named
    before = settings()
    assert settings() == before
    (folder / file).write_text((folder / file).read_text().replace(old, new))
    after = settings()
    assert {room for (room, id), value in after.items() if value != before[room, id]} == rooms


def test_the_point_spread_of_the_project_decides_what_is_learned_and_mapped(tiny, edit):
    def learned():
        plan = make_plan(load_project(tiny))
        summary = run(plan, until="superres", cluster="none")
        near = load_pixels(pixel_file(plan, 2021, plan.blocks[0])).near
        keys = [piece.settings for piece in (*pixel_pieces(plan), *posterior_pieces(plan))]
        return summary, near, keys

    edit(tiny, **{"superres.backend": "lmmse"})
    _, usual, before = learned()
    edit(tiny, **{"superres.psf_mtf": {"B08": 0.6}})
    summary, sharper, after = learned()
    assert {room for room, pieces in summary.computed.items() if pieces} == {"superres"}
    assert all(a != b for a, b in zip(after, before, strict=True))
    apart = abs(sharper.astype(float) - usual).max(axis=(0, 1))
    assert apart[3] > 1e-3
    assert apart[:3].max() == 0


def test_dates_one_by_one_are_kept_beside_the_mosaic_and_read(tiny, edit):
    def learned():
        plan = make_plan(load_project(tiny))
        summary = run(plan, until="superres", cluster="none")
        near = load_pixels(pixel_file(plan, 2021, plan.blocks[0])).near
        needed = [piece.inputs for piece in (*pixel_pieces(plan), *posterior_pieces(plan))]
        return summary, near, series_files(plan, 2021, plan.blocks[0]), needed

    edit(tiny, **{"superres.backend": "lmmse"})
    _, usual, files, needed = learned()
    assert len(files) == 1
    edit(tiny, **{"superres.frames": True})
    summary, near, files, after = learned()
    assert {room for room, pieces in summary.computed.items() if pieces} == {"imagery", "superres"}
    dates = load_dataset(files[1])
    assert dates["reflectance"].dims == ("date", "band", "y", "x")
    assert all(len(a) == len(b) + 1 for a, b in zip(after, needed, strict=True))
    # One date a month, on the pixels of the mosaic: its month is what it was.
    assert len(set(dates["month"].values)) == dates.sizes["date"]
    assert np.allclose(near.astype(float), usual, atol=1e-3)
