import pytest

from bocage.errors import InputError
from bocage.legend import load_legend
from bocage.samples import sampling_layers, sampling_sources


def test_every_class_has_a_source():
    found = sampling_sources()
    assert list(found.columns) == ["code", "layer", "rule", "reliability", "note"]
    assert set(found["code"]) == set(load_legend("pa").codes())
    assert set(found["reliability"]) == {1, 2, 3}
    assert (found["rule"] != "").all()


def test_codes_of_any_level():
    found = sampling_sources(4220)
    assert set(found["code"]) == {4220}
    assert "HRL_GRA2021+DEM" in set(found["layer"])
    assert set(sampling_sources(42)["code"]) == {4211, 4212, 4220}
    with pytest.raises(InputError, match="no class 4999"):
        sampling_sources(4999)


def test_the_layers_of_all_rules_are_described():
    layers = sampling_layers()
    assert layers["layer"].is_unique
    named = {part for layer in sampling_sources()["layer"] for part in layer.split("+")}
    assert named <= set(layers["layer"])
    assert layers.set_index("layer").loc["CLC2018", "field"] == "code_18"
