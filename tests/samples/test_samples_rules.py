import pytest

from bocage.errors import ConfigError
from bocage.samples import SamplingRules, Source, enriched


def test_defaults_are_those_of_the_production():
    rules = SamplingRules()
    assert (rules.cell_m, rules.cubes_per_cell, rules.cube_m) == (500, 5, 8)
    assert (rules.centroid_border_m, rules.random_border_m, rules.spacing_m) == (12, 15, 15)
    assert (rules.points_per_side, rules.point_offset_m, rules.ring_m) == (3, 2.6, 5)


def test_sides_become_whole_metres():
    rules = SamplingRules(cell_m=500.0, fold_m=1000.0)
    assert isinstance(rules.cell_m, int)
    assert isinstance(rules.fold_m, int)


def test_source_is_named_after_its_file(identity):
    assert Source("a/clcplus.tif", identity).name == "clcplus"
    assert Source("a/clcplus.tif", identity, name="x").name == "x"


@pytest.mark.parametrize("reliability", [0, 4])
def test_reliability_is_checked(identity, reliability):
    with pytest.raises(ConfigError, match=f"reliability {reliability}"):
        Source("a.tif", identity, reliability)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell_m": 0}, "negative or zero"),
        ({"spacing_m": -1}, "negative or zero"),
        ({"fold_m": 750}, "folds of 750 m cut cells of 500 m"),
        ({"points_per_side": 5}, "5 points at 2.6 m are wider"),
        ({"cell_m": 500.5}, "cell_m is 500.5"),
        ({"max_per_class": 0}, "max_per_class is 0"),
        ({"enrich": {101: 0}}, "enrich gives class 101 no cube"),
    ],
)
def test_rules_are_checked(change, message):
    with pytest.raises(ConfigError, match=message):
        SamplingRules(**change)


def test_enrichment_goes_down_to_the_leaves(legend):
    """The deepest code that holds a leaf decides."""
    assert enriched({}, legend) == {}
    assert enriched({101: 20, 10: 8}, legend) == {101: 20, 102: 8}
    assert enriched({10: 8, 202: 6, 101: 20}, legend) == {101: 20, 102: 8, 202: 6}
    with pytest.raises(ConfigError, match=r"samples\.enrich: no class 77 at any level"):
        enriched({77: 3}, legend)


def test_a_set_is_enriched_if_all_its_leaves_are():
    rules = SamplingRules(enrich={101: 20, 102: 8, 202: 2})
    assert rules.cubes_of((101,)) == 20
    assert rules.cubes_of((101, 102)) == 8
    assert rules.cubes_of((202,)) == 2
    assert rules.cubes_of((101, 201)) == rules.cubes_of((201,)) == 5
