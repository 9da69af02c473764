import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.accuracy import Pairs, assess, assess_pairs
from bocage.errors import InputError
from bocage.legend import Legend, LegendClass

LETTERS = Legend(
    "letters",
    tuple(
        LegendClass((10 * (i // 2 + 1), 101 + i), ("group", n), "#123456")
        for i, n in enumerate("ABCD")
    ),
)
A, B, C, D = 101, 102, 103, 104


def expand(matrix, codes):
    pairs = [
        (m, r)
        for i, m in enumerate(codes)
        for j, r in enumerate(codes)
        for _ in range(matrix[i][j])
    ]
    return np.array(pairs).T


def test_olofsson_2014_worked_example(small):
    """Table 8 and section 5.2 of Olofsson et al. (2014); their pixels of 30 m are 0.09 ha."""
    counts = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
    mapped, reference = expand(counts, [11, 12, 21, 22])
    pixels = {11: 200_000, 12: 150_000, 21: 3_200_000, 22: 6_450_000}
    found = assess(mapped, reference, small, areas={k: 0.09 * v for k, v in pixels.items()})
    table = found.per_class.set_index("code")

    assert found.n == 640
    assert found.estimator == "stratified"
    assert found.confusion.to_numpy().tolist() == counts
    assert round(found.oa, 2) == 0.95
    assert found.oa == pytest.approx(0.9465119, abs=1e-7)
    assert found.oa_ci95[1] - found.oa == pytest.approx(0.0185, abs=5e-5)
    assert table["ua"].round(2).tolist() == [0.88, 0.73, 0.93, 0.96]
    assert table["pa"].round(2).tolist() == [0.75, 0.85, 0.93, 0.96]
    assert (table["ua_high"] - table["ua"])[[11, 12, 21, 22]].round(2).tolist() == [
        0.07, 0.10, 0.04, 0.02,
    ]  # fmt: skip
    assert (table["pa_high"] - table["pa"])[[11, 21, 22]].round(2).tolist() == [0.21, 0.03, 0.02]
    assert table["pa"][12] - table["pa_low"][12] == pytest.approx(0.25, abs=0.005)
    # Published as 21,158 +- 6,158 ha, 11,686 +- 3,756, 285,770 +- 15,510, 581,386 +- 16,282 ha.
    assert table["area_ha"].round().tolist() == [21158, 11686, 285770, 581386]
    assert (table["area_high"] - table["area_ha"]).tolist() == pytest.approx(
        [6158, 3756, 15510, 16282], abs=0.7
    )


def stehman():
    """The sample of 40 pixels of Stehman (2014, table 2), ten a stratum."""
    strata = np.repeat(list("ABCD"), 10)
    mapped = "AAAAAAABBB" + "A" + "B" * 11 + "CCCCCC" + "BB" + "D" * 10
    reference = "AAAAACBABC" + "ABBBBBAABB" + "CCCCCDDBBA" + "DDDDDDDCCB"
    code = dict(zip("ABCD", (A, B, C, D), strict=True))
    areas = {"A": 40_000, "B": 30_000, "C": 20_000, "D": 10_000}
    return (
        np.array([code[m] for m in mapped]),
        np.array([code[r] for r in reference]),
        strata,
        areas,
    )


def test_stehman_2014_worked_example():
    """Published: OA 0.63, areas of A 0.35 and C 0.20, UA of B 0.574, PA of B 0.794.

    Their standard errors: 0.085, 0.082, 0.064, 0.125, 0.117.
    """
    mapped, reference, strata, areas = stehman()
    found = assess(mapped, reference, LETTERS, strata=strata, stratum_areas=areas)
    table = found.per_class.set_index("code")

    def error(row, name):
        return (row[f"{name}_high"] - row[f"{name}_low"]) / 2 / 1.959964

    assert found.oa == pytest.approx(0.63, abs=1e-12)
    assert (found.oa_ci95[1] - found.oa) / 1.959964 == pytest.approx(0.085, abs=5e-4)
    assert table.loc[A, "area_ha"] == pytest.approx(35_000)
    assert table.loc[C, "area_ha"] == pytest.approx(20_000)
    assert error(table.loc[A], "area") / 1e5 == pytest.approx(0.082, abs=5e-4)
    assert error(table.loc[C], "area") / 1e5 == pytest.approx(0.064, abs=5e-4)
    assert table.loc[B, "ua"] == pytest.approx(0.574, abs=5e-4)
    assert table.loc[B, "pa"] == pytest.approx(0.794, abs=5e-4)
    assert (table.loc[B, "ua_high"] - table.loc[B, "ua"]) / 1.959964 == pytest.approx(
        0.125, abs=5e-4
    )
    assert (table.loc[B, "pa"] - table.loc[B, "pa_low"]) / 1.959964 == pytest.approx(
        0.117, abs=5e-4
    )
    assert found.proportions.loc[B, C] == pytest.approx(0.08)


def test_simple_random_sample_uses_wilson():
    mapped = np.array([A] * 10)
    found = assess(mapped, np.array([A] * 8 + [B] * 2), LETTERS)
    assert found.estimator == "simple"
    assert found.oa == pytest.approx(0.8)
    # Wilson's interval of 8 of 10: 0.490 … 0.943.
    assert found.oa_ci95 == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert math.isnan(found.per_class["area_ha"][0])
    # B is never mapped: F1 0; A: 2 * 8 / (10 + 8).
    assert found.macro_f1 == pytest.approx((16 / 18 + 0) / 2)
    sure = assess(mapped, mapped, LETTERS)
    # 10 of 10: 1 / (1 + z² / 10) … 1.
    assert sure.oa_ci95 == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_coarser_level_keeps_the_leaf_strata():
    mapped = np.array([A, A, B, B, C, C])
    reference = np.array([B, A, B, C, C, C])
    found = assess(mapped, reference, LETTERS, level=1, areas={A: 10.0, B: 20.0, C: 70.0})
    assert found.per_class["code"].tolist() == [10, 20]
    # Right at level 1: all of A (10), half of B (10), all of C (70).
    assert found.oa == pytest.approx(0.9)
    assert found.per_class["area_ha"].tolist() == pytest.approx([20.0, 80.0])
    merged = assess(mapped, reference, LETTERS, level=1, areas={10: 30.0, 20: 70.0})
    assert merged.oa == pytest.approx(0.3 * 0.75 + 0.7)


def test_unclassified_counts_as_an_error_and_missing_reference_is_dropped():
    found = assess([A, 0, B, B], [A, A, B, 0], LETTERS)
    assert found.n == 3
    assert found.oa == pytest.approx(2 / 3)
    assert found.confusion.loc[0].tolist() == [1, 0]
    assert "1 places have no reference" in found.notes[0]


def test_strata_without_sample_are_named():
    found = assess([A, A, B, B], [A, A, B, B], LETTERS, areas={A: 1, B: 2, C: 1})
    assert found.per_class["area_ha"].sum() == pytest.approx(3)
    assert "25.00% of the area" in found.notes[0]
    assert found.notes[0].endswith("103")


def test_a_single_place_in_a_stratum_widens_the_interval():
    found = assess([A, A, A, B], [A, A, A, C], LETTERS, areas={A: 50, B: 50})
    # The lonely stratum of half the area has the largest variance of a share, 1/4.
    assert found.oa == pytest.approx(0.5)
    assert found.oa_ci95 == pytest.approx((0.5 - 1.959964 * 0.25, 0.5 + 1.959964 * 0.25), abs=1e-5)


def test_weights_are_scaled_to_the_strata():
    weights = [1, 3, 1, 1]
    found = assess(
        [A, A, B, B], [A, B, B, B], LETTERS,
        strata=[1, 1, 2, 2], stratum_areas={1: 40, 2: 60}, weights=weights,
    )  # fmt: skip
    assert found.oa == pytest.approx(0.4 * 0.25 + 0.6)
    alone = assess([A, A, B, B], [A, B, B, B], LETTERS, weights=weights)
    assert alone.estimator == "weighted"
    assert alone.oa == pytest.approx(0.5)
    assert alone.per_class["area_ha"].sum() == pytest.approx(6)


def test_clusters_of_equal_places_count_once():
    rng = np.random.default_rng(3)
    one = np.where(rng.random(40) < 0.7, A, B)
    truth = np.full(40, A)
    single = assess_pairs(Pairs(one, truth, weight=np.ones(40)), LETTERS)
    nine = assess_pairs(
        Pairs(np.repeat(one, 9), np.repeat(truth, 9), cluster=np.repeat(np.arange(40), 9)), LETTERS
    )
    naive = assess_pairs(Pairs(np.repeat(one, 9), np.repeat(truth, 9)), LETTERS)
    assert nine.n == 360
    assert nine.oa_ci95 == pytest.approx(single.oa_ci95)
    assert np.diff(naive.oa_ci95) < np.diff(nine.oa_ci95) / 2


def test_rows_with_counts_equal_single_places():
    rows = Pairs(np.array([A, A, B]), np.array([A, B, B]), count=np.array([3, 1, 2]))
    found = assess_pairs(rows, LETTERS)
    assert found.n == 6
    assert found.oa == pytest.approx(5 / 6)
    assert found.confusion.to_numpy().tolist() == [[3, 1], [0, 2]]


def test_json(pa):
    found = assess([pa.codes()[0]] * 3, [pa.codes()[0]] * 2 + [pa.codes()[1]], pa)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["per_class"][1]["ua"] is None
    assert plain["per_class"][0]["name"] == pa.classes[0].name
    assert plain["confusion"]["counts"] == [[2, 1], [0, 0]]
    assert plain["oa_ci95"][0] < plain["oa"] < plain["oa_ci95"][1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"map_codes": [A, 7], "reference_codes": [A, A]}, "map: class 7 is not in the legend"),
        ({"map_codes": [A, A], "reference_codes": [A, 9]}, "reference: class 9 is not"),
        ({"map_codes": [10], "reference_codes": [A]}, "class 10 is of level 1"),
        ({"map_codes": [A], "reference_codes": [A, A]}, "2 reference values for 1 map codes"),
        ({"map_codes": [A], "reference_codes": [0]}, "no place has a map and a reference"),
        ({"map_codes": [[A]], "reference_codes": [[A]]}, r"shape \(1, 1\)"),
        ({"map_codes": [A], "reference_codes": [A], "strata": [1]}, "strata without their areas"),
        (
            {"map_codes": [A], "reference_codes": [A], "areas": {B: 1}},
            "no area for the sampled stratum 101",
        ),
        ({"map_codes": [A], "reference_codes": [A], "areas": {A: 0}}, "not above 0"),
        (
            {"map_codes": [A], "reference_codes": [A], "areas": {5: 1}},
            "5 are no codes of one level",
        ),
        ({"map_codes": [A], "reference_codes": [A], "weights": [-1]}, "a weight is not above 0"),
        ({"map_codes": [A], "reference_codes": [A], "level": 3}, "no level 3"),
    ],
)
def test_wrong_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        assess(legend=LETTERS, **arguments)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(*[st.sampled_from([A, B, C, D])] * 2), min_size=2, max_size=60),
    st.lists(st.floats(0.5, 50), min_size=4, max_size=4),
)
def test_invariants(pairs, sizes):
    mapped, reference = np.array(pairs).T
    areas = dict(zip((A, B, C, D), sizes, strict=True))
    found = assess(mapped, reference, LETTERS, areas=areas)
    sampled = sum(areas[c] for c in set(mapped.tolist()))
    assert found.per_class["area_ha"].sum() == pytest.approx(sampled)
    assert found.proportions.to_numpy().sum() == pytest.approx(1)
    assert found.oa_ci95[0] <= found.oa + 1e-12
    assert found.oa <= found.oa_ci95[1] + 1e-12
    assert found.confusion.to_numpy().sum() == len(pairs)
    coarse = assess(mapped, reference, LETTERS, level=1, areas=areas)
    assert coarse.oa >= found.oa - 1e-12
