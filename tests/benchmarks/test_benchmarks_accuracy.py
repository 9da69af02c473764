import json

import numpy as np
import pytest

from benchmarks._accuracy_area import Answer
from benchmarks._accuracy_scores import Judge, class_groups
from benchmarks._accuracy_table import mean_difference, sampled_difference, table
from benchmarks._calibration_chance import error_by_chance
from bocage.accuracy import reliability
from bocage.legend import load_legend

LEGEND = load_legend("pa")


def judge(reference, weight=None):
    reference = np.asarray(reference)
    weight = np.ones(len(reference)) if weight is None else np.asarray(weight, float)
    values, stratum = np.unique(reference, return_inverse=True)
    areas = {i: float(weight[stratum == i].sum()) for i in range(len(values))}
    xy = np.column_stack([1000.0 * np.arange(len(reference)), np.zeros(len(reference))])
    return Judge(LEGEND, stratum, weight, reference, areas, xy)


def sure(codes, confidence=1.0):
    codes = np.asarray(codes)
    probability = np.full((len(codes), len(LEGEND)), (1 - confidence) / (len(LEGEND) - 1))
    probability[np.arange(len(codes)), [LEGEND.index(c) - 1 for c in codes]] = confidence
    return Answer(codes, probability.astype(np.float32))


def test_the_groups_fit_the_names_of_the_legend():
    groups = class_groups(LEGEND)
    names = {name: {LEGEND[c].names[0] for c in leaves} for name, leaves in groups.items()}
    assert names["wetland"] == {"Wetland"}
    assert names["urban"] == {"Urban"}
    assert names["water"] == {"Water"}
    assert groups["scrub"] == {5100, 5200, 5300, 3400, 4211}
    for name in ("wetland", "urban", "water"):
        (top,) = {LEGEND.parent(c, 1) for c in groups[name]}
        assert groups[name] == set(LEGEND.leaves(top, 1))


def test_scores_by_hand():
    # Scrub: 3400 taken for 5100 is right as a group at levels 1 and 2, wrong at level 4.
    reference = [3400, 3400, 5100, 2110, 2110, 2110]
    answer = sure([5100, 3400, 5100, 2110, 2110, 5100])
    found = judge(reference).levels(answer)
    assert found["4"]["oa"] == pytest.approx(4 / 6, abs=1e-4)
    f1 = {3400: 2 / 3, 5100: 2 / 4, 2110: 4 / 5}
    assert found["4"]["macro_f1"] == pytest.approx(np.mean(list(f1.values())), abs=1e-4)
    assert found["4"]["scrub"] == pytest.approx((f1[3400] + f1[5100]) / 2, abs=1e-4)
    assert found["1"]["scrub"] == pytest.approx(2 * 3 / (3 + 4), abs=1e-4)
    assert found["4"]["wetland"] is None
    assert found["4"]["ece"] == pytest.approx(2 / 6, abs=1e-4)


def test_points_count_by_their_area():
    found = judge([2110, 2110, 1110], weight=[1, 1, 8]).levels(sure([2110, 1110, 1110]))
    assert found["1"]["oa"] == pytest.approx(0.9)


def test_confidence_at_a_level_is_the_sum_over_the_leaves():
    answer = sure([3110], confidence=0.5)
    other = LEGEND.index(3120) - 1
    answer.probability[0] = 0
    answer.probability[0, LEGEND.index(3110) - 1] = 0.5
    answer.probability[0, other] = 0.5
    found = judge([3110]).levels(answer)
    assert found["1"]["ece"] == pytest.approx(0)
    assert found["4"]["ece"] == pytest.approx(0.5)


def test_chance_makes_an_error_that_is_larger_where_points_fail_together():
    rng = np.random.default_rng(1)
    confidence, weight = rng.uniform(50, 100, 2000), np.ones(2000)
    alone, parcel = np.arange(2000), np.arange(2000) // 20
    found = error_by_chance(confidence, weight, {"points": alone, "parcels": parcel})
    # Five bins with 400 points each, about 20 where twenty fail together.
    assert 0.01 < found["points"] < 0.03
    assert 2 < found["parcels"] / found["points"] < 6
    honest = [reliability(confidence, 100 * rng.random(2000) < confidence)[0] for _ in range(200)]
    assert 0.9 < np.mean(np.array(honest) < found["points"]) < 0.99
    assert reliability(confidence, 100 * rng.random(2000) < confidence - 10)[0] > 0.06


def test_a_map_that_is_sure_has_no_chance_to_err():
    found = judge([2110, 2110, 3110]).levels(sure([2110, 2110, 3110]))
    assert found["4"]["ece"] == 0
    assert found["4"]["ece_by_chance"] == {"points": 0, "parcels": 0}


def test_a_method_does_not_differ_from_itself_and_the_better_one_is_ahead():
    reference = np.repeat([2110, 3110], 50)
    good, bad = reference.copy(), reference.copy()
    good[:5], bad[:25] = 3110, 3110
    ground = judge(reference)
    same = ground.difference(sure(good), sure(good))["4"]
    assert same["oa"] == same["macro_f1"] == [0, 0, 0]
    mean, low, high = ground.difference(sure(good), sure(bad))["4"]["oa"]
    assert mean == pytest.approx(0.2)
    assert 0 < low < mean < high


def test_mean_difference_is_the_interval_of_student():
    mean, low, high = mean_difference([1.0, 2.0, 3.0])
    assert mean == 2
    assert high - mean == pytest.approx(4.302653 / np.sqrt(3), rel=1e-5)
    assert low == pytest.approx(mean - (high - mean))
    assert mean_difference([1.0])[1:] == (-np.inf, np.inf)


def test_half_widths_of_independent_areas_add_up_as_squares():
    mean, low, high = sampled_difference([[1.0, -2.0, 4.0], [3.0, -1.0, 7.0]])
    assert (mean, low, high) == pytest.approx((2.0, -0.5, 4.5))  # half of √(3² + 4²)


@pytest.mark.slow
def test_a_tiny_area_gives_the_keys_of_the_contract(tmp_path, capsys):
    pytest.importorskip("torch")
    pytest.importorskip("lightgbm")
    from benchmarks.accuracy import METHODS, main

    arguments = ["--region", "continental", "--seed", "2", "--size", "1.2", "--quick", "--json"]
    main([*arguments, "--keep", str(tmp_path / "area")])
    out = capsys.readouterr().out
    result = json.loads(out)
    assert METHODS == ("bocage", "official_recipe", "random_forest", "lightgbm")
    for method in METHODS:
        assert set(result[method]) == {"1", "2", "3", "4"}
        for row in result[method].values():
            groups = {"scrub", "wetland", "urban", "water"}
            assert {"oa", "oa_ci95", "macro_f1", "ece", "ece_by_chance"} | groups <= set(row)
            low, high = row["oa_ci95"]
            assert 0 <= low <= row["oa"] <= high <= 1
        # What is right at a level is right above it.
        oa = [result[method][level]["oa"] for level in "1234"]
        assert oa == sorted(oa, reverse=True)
    assert result["points"] > 100
    assert "official_recipe" in table([result], METHODS)


def test_sets_by_hand():
    """At level 4 the set of one point holds its class, at level 1 both do."""
    reference = [5100, 2110]
    answer = sure([5100, 2120], confidence=0.6)
    answer.probability[1, LEGEND.index(2110) - 1] = 0.3
    found = judge(reference).sets(answer.probability, {"1": 0.5, "4": 0.5})
    assert found["4"] == {"coverage": 0.5, "size": 1.0}
    assert found["1"]["coverage"] == 1.0
