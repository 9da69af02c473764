import re
import xml.etree.ElementTree as ET

from bocage.workflow.rooms._drawings import learning_curves, reliability


def points(line):
    return [tuple(map(float, p.split(","))) for p in line.get("points").split()]


def test_every_network_has_a_curve_that_falls_with_its_loss():
    drawn = ET.fromstring(
        learning_curves({"trial member 1": [2.0, 1.0, 0.5], "member 1": [4.0, 2.0]})
    )
    _axes, *curves = drawn.findall("polyline")
    assert [c.findtext("title") for c in curves] == ["trial member 1", "member 1"]
    first, second = map(points, curves)
    assert first[0] == (30, 85)
    assert first[-1][0] == second[-1][0] == 280
    assert second[0] == (30, 20)  # the largest loss of all is at the top
    assert first[0][1] < first[1][1] < first[2][1]
    assert curves[0].get("stroke") != curves[1].get("stroke")


def test_long_curves_are_thinned_and_keep_their_ends():
    losses = [1 / (n + 1) for n in range(5000)]
    (curve,) = ET.fromstring(learning_curves({"network": losses})).findall("polyline")[1:]
    found = points(curve)
    assert len(found) <= 120
    assert found[0] == (30, 20)
    assert found[-1] == (280, 150)


def test_a_training_without_loss_is_drawn():
    assert "NaN" not in learning_curves({"network": [0.0]})
    assert re.search("nan|inf", learning_curves({"network": [0.0, 0.0]})) is None


def test_reliability_leaves_empty_bins_out():
    curve = [
        {"confidence": 50.0, "accuracy": 40.0, "n": 10},
        {"confidence": 90.0, "accuracy": None, "n": 0},
    ]
    assert reliability(curve).count("<circle") == 1
