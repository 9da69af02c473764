"""What a plan refuses before anything runs."""

import numpy as np
import pytest
from workflow_site import write

from bocage.errors import ConfigError, InputError
from bocage.samples import collect, read_samples
from bocage.workflow import load_project, make_plan, run
from bocage.workflow.rooms.samples import sample_file


def planned(project, edit, **values):
    return make_plan(load_project(edit(project, **values)))


def own(project, text: str, name: str = "own.yaml") -> str:
    (project.parent / name).write_text(f"extends: plain\nid: own\n{text}")
    return name


def test_further_deliveries_have_what_can_be_made_in_other_classes(tiny, edit):
    plan = planned(tiny, edit, **{"products.schemas": [own(tiny, "mmu_ha: 5\n")]})
    assert plan.further[0].delivery.schema.products == ("status", "change", "raster")
    assert "lineage" in plan.delivery.schema.products


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("products: [status, lineage]\n", "'own' delivers lineage"),
        ("raster: {pixel_m: 4}\n", "pixel_m is 4"),
        ("raster: {pixel_m: 7.5}\n", "pixel_m is 7.5"),
    ],
)
def test_what_a_further_delivery_cannot_be_is_named(tiny, edit, text, message):
    with pytest.raises(ConfigError, match=message):
        planned(tiny, edit, **{"products.schemas": [own(tiny, text)]})


def test_the_first_delivery_has_the_pixels_of_the_map(tiny, edit):
    with pytest.raises(ConfigError, match="pixel_m is 10"):
        planned(
            tiny,
            edit,
            **{
                "aoi.delivery_name": "unit",
                "products.schema": own(tiny, "raster: {pixel_m: 10}\n"),
            },
        )


def test_codes_that_stay_the_same_need_no_crosswalk(tiny, edit):
    """A legend with a level more keeps the leaves of the map."""
    (tiny.parent / "deep.csv").write_text(
        "code_1,name_1,code_2,name_2\n9,Wet,1,Water\n8,Dry,2,Wood\n8,Dry,3,Grass\n"
    )
    (tiny.parent / "same.csv").write_text("code_1,name_1\n1,Water\n2,Wood\n3,Grass\n4,Rock\n")
    name = own(tiny, "legend: same.csv\nproducts: [raster]\n")
    plan = planned(tiny, edit, **{"legend": "deep.csv", "products.schemas": [name]})
    assert plan.further[0].recode.preferred.tolist() == [0, 1, 2]


def conditioned(project, limit: int = 20) -> dict[str, object]:
    """Water and wood of the reference by a newer layer; keys of the project file."""
    (project.parent / "rules.csv").write_text(
        f"source_code,code,layer,least,most\n1,1,,,\n2,2,cover,{limit},\n2,3,cover,,{limit}\n3,0,,,\n"
    )
    return {"samples.sources": [{"layer": "reference_2021.tif", "crosswalk": "rules.csv"}]}


def test_a_condition_of_ones_own_needs_its_layer(tiny, edit):
    keys = conditioned(tiny)
    message = (
        r"samples\.sources\[0\]\.crosswalk: 'rules\.csv' has conditions on the layer 'cover'.*"
        r"\n?.*samples\.layers\.cover"
    )
    with pytest.raises(ConfigError, match=message):
        planned(tiny, edit, **keys)
    with pytest.raises(InputError, match=r"samples\.layers\.cover: no such file"):
        planned(tiny, edit, **{"samples.layers": {"cover": "none.tif"}})
    layers = {"cover": "reference_2024.tif", "not_used": "reference_2024.tif"}
    plan = planned(tiny, edit, **{"samples.layers": layers})
    assert plan.sample_layers == {"cover": tiny.parent / "reference_2024.tif"}


def test_a_packaged_crosswalk_does_without_the_layer(tiny, edit):
    keys = {
        "legend": "pa",
        "aoi.delivery_name": "unit",
        "products.schemas": [],
        "samples.sources": [{"layer": "reference_2021.tif", "crosswalk": "clc"}],
    }
    assert planned(tiny, edit, **keys).sample_layers == {}
    given = planned(tiny, edit, **{"samples.layers": {"imperviousness": "reference_2024.tif"}})
    assert list(given.sample_layers) == ["imperviousness"]


def test_enriched_classes_are_in_the_legend(tiny, edit):
    assert planned(tiny, edit, **{"samples.enrich": {2: 9}}).rules.enrich == {2: 9}
    with pytest.raises(ConfigError, match=r"samples\.enrich: no class 77"):
        planned(tiny, edit, **{"samples.enrich": {77: 9}})


def test_a_change_of_a_layer_or_a_limit_draws_again(tiny, edit):
    """And nothing else: the images of the two years stay."""
    layers = {"cover": "cover.tif"}
    write(tiny.parent / "cover.tif", np.full((100, 100), 50, np.uint8), nodata=255)

    def drawn(limit):
        plan = planned(tiny, edit, **conditioned(tiny, limit), **{"samples.layers": layers})
        done = run(plan, until="samples", cluster="none").computed
        samples = collect(read_samples(sample_file(plan, block)) for block in plan.blocks)
        return {room for room, pieces in done.items() if pieces}, set(samples["code"])

    assert drawn(20) == ({"imagery", "samples"}, {1, 2})
    assert drawn(20) == (set(), {1, 2})
    assert drawn(80) == ({"samples"}, {1, 3})
    write(tiny.parent / "cover.tif", np.full((100, 100), 90, np.uint8), nodata=255)
    assert drawn(80) == ({"samples"}, {1, 2})
