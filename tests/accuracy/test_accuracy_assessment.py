import json
import math

import numpy as np
import pandas as pd
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


def printed(values, digits):
    return [f"{v:.{digits}f}" for v in values]


def test_olofsson_2014_worked_example(small):
    """Tables 8 and 9 and section 5.2 of Olofsson et al. (2014), to the printed digit.

    Their pixels of 30 m are 0.09 ha. Areas, user's accuracies and their intervals, the
    overall accuracy, and the producer's accuracies are compared as printed. Two printed half-widths
    of producer's accuracies (0.23 of the gain, 0.01 of stable non-forest) do not follow
    from the paper's own equation 7, which gives 0.25 and 0.02; the equation is tested.
    The intervals of the paper take 1.96 for the normal deviate.
    """
    counts = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
    mapped, reference = expand(counts, [11, 12, 21, 22])
    pixels = {11: 200_000, 12: 150_000, 21: 3_200_000, 22: 6_450_000}
    found = assess(mapped, reference, small, areas={k: 0.09 * v for k, v in pixels.items()})
    table = found.per_class.set_index("code")

    assert found.n == 640
    assert found.estimator == "stratified"
    assert found.confusion.to_numpy().tolist() == counts
    assert [printed(row, 4) for row in found.proportions.to_numpy()] == [
        ["0.0176", "0.0000", "0.0013", "0.0011"],
        ["0.0000", "0.0110", "0.0016", "0.0024"],
        ["0.0019", "0.0000", "0.2967", "0.0213"],
        ["0.0040", "0.0020", "0.0179", "0.6212"],
    ]
    assert printed([found.oa, 1.96 * found.oa_se], 2) == ["0.95", "0.02"]
    assert printed([found.oa, 1.96 * found.oa_se], 4) == ["0.9465", "0.0185"]
    assert printed(table["ua"], 2) == ["0.88", "0.73", "0.93", "0.96"]
    assert printed(1.96 * table["ua_se"], 2) == ["0.07", "0.10", "0.04", "0.02"]
    assert printed(table["pa"], 2) == ["0.75", "0.85", "0.93", "0.96"]
    assert printed(1.96 * table["pa_se"], 2) == ["0.21", "0.25", "0.03", "0.02"]
    assert printed(table["map_ha"], 0) == ["18000", "13500", "288000", "580500"]
    assert printed(table["area_ha"], 0) == ["21158", "11686", "285770", "581386"]
    assert printed(1.96 * table["area_se"], 0) == ["6158", "3756", "15510", "16282"]


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
    """Stehman (2014, pages 4932 to 4936): what the text prints, to the printed digit.

    The other user's and producer's accuracies are not printed; they are those of two public
    implementations of the paper (the R packages mapaccuracy and mapac).
    """
    mapped, reference, strata, areas = stehman()
    found = assess(mapped, reference, LETTERS, strata=strata, stratum_areas=areas)
    table = found.per_class.set_index("code")
    share = table[["area_ha", "area_se"]] / sum(areas.values())

    assert printed([found.oa, found.oa_se], 3) == ["0.630", "0.085"]
    assert printed(share.loc[A], 3) == ["0.350", "0.082"]
    assert printed(share.loc[C], 3) == ["0.200", "0.064"]
    assert printed(table.loc[B, ["ua", "ua_se"]], 3) == ["0.574", "0.125"]
    assert printed(table.loc[B, ["pa", "pa_se"]], 3) == ["0.794", "0.117"]
    assert found.proportions.loc[B, C] == pytest.approx(0.08)
    assert printed(table["ua"], 3) == ["0.742", "0.574", "0.500", "0.700"]
    assert printed(table["pa"], 3)[:3] == ["0.657", "0.794", "0.300"]
    assert printed(table["ua_se"], 3)[:3] == ["0.165", "0.125", "0.215"]
    assert printed(table["pa_se"], 3)[:3] == ["0.148", "0.117", "0.150"]


def test_strata_that_are_the_map_classes_give_olofsson(small):
    """Where strata and map classes are one, both papers' estimators are one."""
    counts = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
    mapped, reference = expand(counts, [11, 12, 21, 22])
    areas = {11: 18_000.0, 12: 13_500.0, 21: 288_000.0, 22: 580_500.0}
    one = assess(mapped, reference, small, areas=areas)
    other = assess(mapped, reference, small, strata=mapped, stratum_areas=areas)
    pd.testing.assert_frame_equal(one.per_class, other.per_class)
    # Olofsson et al. (2014), equations 5 and 7, written out for the first class.
    rows = np.array(counts, dtype=float)
    n, size = rows.sum(axis=1), np.array(list(areas.values()))
    ua, total = np.diag(rows) / n, (size * rows[:, 0] / n).sum()
    pa = size[0] * ua[0] / total
    others = size[1:] ** 2 * rows[1:, 0] / n[1:] * (1 - rows[1:, 0] / n[1:]) / (n[1:] - 1)
    first = size[0] ** 2 * (1 - pa) ** 2 * ua[0] * (1 - ua[0]) / (n[0] - 1)
    assert one.oa_se == pytest.approx(
        math.sqrt(((size / size.sum()) ** 2 * ua * (1 - ua) / (n - 1)).sum())
    )
    assert one.per_class["pa_se"][0] == pytest.approx(
        math.sqrt(first + pa**2 * others.sum()) / total
    )


def test_regions_are_domains_of_the_whole_sample():
    """Two strata by area, a region across both: 2 of 3 right in one, 1 of 1 in the other."""
    mapped, reference = [A, A, A, A, B, B], [A, A, B, A, B, A]
    areas = {A: 80.0, B: 20.0}
    inside = np.array([True, True, True, False, True, False])
    found = assess(mapped, reference, LETTERS, areas=areas, within=inside)
    # A place of A stands for 20 ha, one of B for 10 ha: 2 x 20 + 10 right of 70.
    assert found.n == 4
    assert found.oa == pytest.approx(50 / 70)
    table = found.per_class.set_index("code")
    assert table["map_ha"].tolist() == pytest.approx([60, 10])
    assert table["area_ha"].tolist() == pytest.approx([40, 30])
    # Taylor: residuals y - R x of the six places, by hand, per stratum of 4 and 2 places.
    share = 50 / 70
    first = 20 * np.array([1 - share, 1 - share, -share, 0])
    second = 10 * np.array([1 - share, 0])
    variance = 4 * first.var(ddof=1) + 2 * second.var(ddof=1)
    assert found.oa_se == pytest.approx(math.sqrt(variance) / 70)
    everything = assess(mapped, reference, LETTERS, areas=areas, within=np.ones(6, bool))
    assert everything.to_dict() == assess(mapped, reference, LETTERS, areas=areas).to_dict()
    with pytest.raises(InputError, match="no place has a map"):
        assess(mapped, reference, LETTERS, areas=areas, within=np.zeros(6, bool))


def test_regions_add_up_to_the_area():
    rng = np.random.default_rng(5)
    mapped, reference = rng.choice([A, B, C], (2, 200))
    region = rng.integers(0, 3, 200)
    areas = {A: 50.0, B: 30.0, C: 20.0}
    whole = assess(mapped, reference, LETTERS, areas=areas).per_class.set_index("code")
    parts = [
        assess(mapped, reference, LETTERS, areas=areas, within=region == r).per_class
        for r in range(3)
    ]
    total = pd.concat(parts).groupby("code")[["map_ha", "area_ha"]].sum()
    pd.testing.assert_frame_equal(total, whole[["map_ha", "area_ha"]])


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
