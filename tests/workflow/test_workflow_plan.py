"""What a plan refuses before anything runs."""

import pytest

from bocage.errors import ConfigError
from bocage.workflow import load_project, make_plan


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
