import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.accuracy import compare
from bocage.accuracy._compare._outcome import disc
from bocage.errors import InputError
from bocage.grid import geobox
from bocage.legend import Legend, LegendClass
from bocage.rasters import wrap

X, Y = 4_000_000, 3_000_000

TREE = Legend(
    "tree",
    tuple(
        LegendClass((code // 100, code), (group, name), "#336699")
        for code, group, name in (
            (1101, "forest", "oak"), (1102, "forest", "pine"), (2201, "open", "grass"),
            (2202, "open", "rock"), (3301, "water", "lake"),
        )
    ),
)  # fmt: skip
OAK, PINE, GRASS, ROCK, LAKE = TREE.codes()


def raster(rows, dtype=np.uint16, nodata=None):
    data = np.asarray(rows, dtype=dtype)
    h, w = data.shape
    made = wrap(data, geobox((X, Y, X + 10 * w, Y + 10 * h), 10))
    made.attrs["nodata"] = nodata
    return made


def by_tree(a, b, **options):
    return compare(raster(a), raster(b), legend_a=TREE, **options)


def test_every_outcome_by_hand():
    a = [[OAK, OAK, 0, OAK, 11], [LAKE, LAKE, LAKE, LAKE, LAKE]]
    b = [[OAK, 11, OAK, 0, 22], [GRASS, GRASS, GRASS, GRASS, GRASS]]
    found = by_tree(a, b, tolerance_m=0)
    # 1 same, 2 one coarser, 7 only A, 8 only B, 6 thematic.
    assert found.map.values.tolist() == [[1, 2, 8, 7, 6], [6, 6, 6, 6, 6]]
    said = found.summary
    assert said["compared_ha"] == pytest.approx(0.08)
    assert said["agreement"] == said["certain"] == pytest.approx(2 / 8)
    assert said["thematic"] == pytest.approx(6 / 8)
    assert found.complement["only_a_ha"] == pytest.approx(0.01)
    assert found.complement["only_b_ha"] == pytest.approx(0.01)
    # A's oak is more precise than B's forest in one pixel.
    assert found.complement["a_deeper_ha"] == pytest.approx(0.01)
    assert found.complement["a_adds"] == [{"a": "1101", "b": "11", "ha": pytest.approx(0.01)}]
    assert found.complement["b_adds"] == []


def test_outside_is_not_compared():
    a = raster([[9999, OAK, OAK]], nodata=9999)
    found = compare(a, raster([[OAK, OAK, PINE]]), legend_a=TREE, tolerance_m=0)
    assert found.map.values.tolist() == [[255, 1, 6]]


def test_a_shifted_border_is_geometric_and_a_missed_line_is_thematic():
    row = [OAK] * 4 + [GRASS] * 4
    shifted = [OAK] * 5 + [GRASS] * 3
    found = by_tree([row] * 3, [shifted] * 3, tolerance_m=10)
    assert found.map.values[1].tolist() == [1, 1, 1, 1, 4, 1, 1, 1]
    assert by_tree([row] * 3, [shifted] * 3, tolerance_m=9).summary["border"] == 0
    line = [[OAK, OAK, LAKE, OAK, OAK]] * 3
    missed = by_tree(line, [[OAK] * 5] * 3, tolerance_m=10)
    assert missed.map.values[1].tolist() == [1, 1, 6, 1, 1]


def test_tolerance_reaches_across_windows(monkeypatch):
    from bocage.accuracy._compare import _run

    rng = np.random.default_rng(1)
    a = rng.choice([OAK, PINE, GRASS], (37, 41))
    b = np.where(rng.random(a.shape) < 0.7, a, np.roll(a, 1, axis=0))
    whole = by_tree(a, b, tolerance_m=25)
    original = _run.windows
    monkeypatch.setattr(_run, "windows", lambda box: original(box, 8))
    tiled = by_tree(a, b, tolerance_m=25)
    assert (whole.map.values == tiled.map.values).all()
    assert whole.to_dict() == tiled.to_dict()


def test_change_explains():
    a, b = [[OAK, OAK, OAK, GRASS]], [[GRASS, LAKE, OAK, GRASS]]
    found = by_tree(a, b, change=raster([[1, 0, 1, 0]], np.uint8), tolerance_m=0)
    assert found.map.values.tolist() == [[5, 6, 1, 1]]
    assert found.summary["temporal"] == pytest.approx(0.25)


def test_classes_levels_and_pairs_by_hand():
    a = [[OAK, OAK, PINE, GRASS]]
    b = [[OAK, PINE, PINE, LAKE]]
    found = by_tree(a, b, tolerance_m=0)
    assert found.per_level["agreement"].tolist() == pytest.approx([0.75, 0.5])
    assert found.per_level["certain"].tolist() == pytest.approx([0.75, 0.5])
    table = found.per_class.set_index("code")
    assert table.loc[OAK, ["a_ha", "b_ha", "both_ha"]].tolist() == pytest.approx([0.02, 0.01, 0.01])
    assert table.loc[OAK, ["a_in_b", "b_in_a"]].tolist() == pytest.approx([0.5, 1.0])
    assert table.loc[OAK, "f1"] == pytest.approx(2 * 0.01 / 0.03)
    assert table.loc[OAK, "iou"] == pytest.approx(0.01 / 0.02)
    assert table.loc[GRASS, ["a_in_b", "both_ha"]].tolist() == [0, 0]
    assert np.isnan(table.loc[GRASS, "b_in_a"])
    assert found.pairs["ha"].sum() == pytest.approx(0.04)
    assert set(found.pairs["relation"]) == {"same", "different"}
    # A holds oak, oak, pine, grass, B oak, pine, pine, lake: 1/2 1/4 + 1/4 1/2 by chance.
    assert found.summary["by_chance"] == pytest.approx(1 / 4)
    coarse = by_tree(a, b, tolerance_m=0, level=1).per_class
    assert coarse["code"].tolist() == [11, 22, 33]
    assert coarse["both_ha"].tolist() == pytest.approx([0.03, 0, 0])


@pytest.fixture
def crosswalk(tmp_path):
    """Wood is any forest, green is oak or grass, wet is the lake."""
    path = tmp_path / "other.csv"
    path.write_text(
        "source_code,code,source_name\n"
        "W,1101,wood\nW,1102,wood\nG,1101,green\nG,2201,green\nL,3301,wet\n"
        "7,1101,wood\n7,1102,wood\n8,1101,green\n8,2201,green\n9,3301,wet\n"
    )
    return str(path)


def test_one_to_many_pairs_agree_where_the_sets_meet(crosswalk):
    a = [[OAK, OAK, GRASS, ROCK, LAKE, 11]]
    b = [[7, 8, 8, 8, 9, 8]]
    found = by_tree(a, b, crosswalk=crosswalk, tolerance_m=0)
    # Wood is a class of level 1: coarser. Green is no class of the legend: ambiguous.
    assert found.map.values.tolist() == [[2, 3, 3, 6, 1, 3]]
    assert found.summary["agreement"] == pytest.approx(5 / 6)
    assert found.summary["certain"] == pytest.approx(2 / 6)
    values = found.per_value("b").set_index("value")
    assert values.loc["8", "classes"] == [OAK, GRASS]
    assert values.loc["8", "name"] == "green"
    assert values.loc["8", "agreement"] == pytest.approx(3 / 4)
    # Green allows two classes of level 1, wood one.
    assert found.per_level["certain"].tolist() == pytest.approx([2 / 6, 1 / 6])


def test_confidence_and_regions():
    a, b = [[OAK, OAK, PINE, GRASS]], [[OAK, PINE, PINE, LAKE]]
    sure = raster([[95, 45, 100, 255]], np.uint8)
    halves = gpd.GeoDataFrame(
        {"region": ["west", "east"]},
        geometry=[shapely.box(X, Y, X + 20, Y + 10), shapely.box(X + 20, Y, X + 30, Y + 10)],
        crs=3035,
    )
    found = by_tree(a, b, confidence=sure, regions=halves, tolerance_m=0)
    assert found.per_confidence[["low", "high", "agreement"]].to_numpy().tolist() == [
        [40, 50, 0.0], [90, 100, 1.0],
    ]  # fmt: skip
    assert found.per_confidence["ha"].tolist() == pytest.approx([0.01, 0.02])
    assert found.per_region.set_index("region")["agreement"].to_dict() == {"west": 0.5, "east": 1.0}
    assert found.complement["a_unsure_ha"] == pytest.approx(0.01)
    assert found.complement["b_differs_ha"] == pytest.approx(0.01)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["per_region"][0]["region"] == "east"


def test_values_are_classes_of_their_own():
    found = compare(raster([[5, 6, 7]]), raster([[5, 7, 7]]), legend_a="values", tolerance_m=0)
    assert found.legend.codes() == (5, 6, 7)
    assert found.map.values.tolist() == [[1, 6, 1]]


def test_two_maps_of_one_nomenclature_are_compared_in_it():
    found = compare(raster([[111, 112, 231]]), raster([[111, 111, 231]]), legend_a="clc",
                    tolerance_m=0)  # fmt: skip
    # In the PA legend 111 and 112 are one class; in CORINE they are two.
    assert found.map.values.tolist() == [[1, 6, 1]]
    assert found.legend.id == "clc"
    assert found.per_class["name"][0] == "Continuous urban fabric"


def test_what_a_crosswalk_leaves_out_is_unclassified(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("source_code,code\n7,0\n8,1101\n")
    found = by_tree([[OAK, OAK, PINE]], [[7, 8, 8]], crosswalk=str(path), tolerance_m=0)
    assert found.map.values.tolist() == [[7, 1, 6]]
    assert found.summary["agreement"] == pytest.approx(1 / 2)
    with pytest.raises(InputError, match="map B holds no class"):
        by_tree([[OAK]], [[7]], crosswalk=str(path))


def test_packaged_crosswalks_meet_in_the_pa_legend(pa):
    urban = next(c for c in pa.classes if c.codes[0] == pa.codes(1)[0]).code
    found = compare(raster([[urban, urban]]), raster([[111, 523]]), legend_b="clc", tolerance_m=0)
    assert found.legend.id == "pa"
    assert found.map.values.tolist()[0][1] == 6
    assert found.map.values.tolist()[0][0] in (1, 2, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: by_tree([[OAK, 7]], [[OAK, OAK]]), "map A: values 7 are neither codes nor"),
        (lambda: by_tree([[OAK]], [[12]], crosswalk="clc"), "at any level of the legend 'tree'"),
        (lambda: by_tree([[OAK]], [[777]], legend_b="clc"), "from 'clc' to the legend 'tree'"),
        (lambda: by_tree([[OAK]], [[1110]], legend_b="pa"), "from the legend 'pa' to 'tree'"),
        (
            lambda: compare(raster([[111]]), raster([[77]]), legend_a="clc"),
            "class 77 is not in the nomenclature 'clc'",
        ),
        (
            lambda: compare(raster([[1110]]), raster([[77]]), legend_b="clc"),
            "map B: class 77 is not in the crosswalk 'clc'",
        ),
        (lambda: by_tree([[OAK]], [[OAK, OAK]]), "map A and map B are on different pixel grids"),
        (lambda: by_tree([[0]], [[OAK]]), "map A holds no class"),
        (lambda: by_tree([[0, OAK]], [[OAK, 0]]), "no place has a class in both maps"),
        (lambda: by_tree([[OAK]], [[OAK]], tolerance_m=-1), "a tolerance of -1"),
        (lambda: by_tree([[OAK]], [[OAK]], level=3), "no level 3"),
        (lambda: by_tree([[OAK]], [[OAK]], unsure=55), "a confidence of 55 % as the limit"),
        (
            lambda: by_tree(
                [[OAK]],
                [[OAK]],
                regions=gpd.GeoDataFrame(
                    {"region": ["a"]}, geometry=[shapely.box(X, Y, X + 9, Y + 9)]
                ),
            ),
            "regions have no coordinate reference system",
        ),
        (
            lambda: compare(raster([range(1, 1200)]), raster([range(1, 1200)]), legend_a="values"),
            "1199 different values",
        ),
        (lambda: by_tree([[OAK]], [[OAK]], legend_b="values"), "legend 'tree'"),
        (
            lambda: compare(
                raster([[5.5]], np.float32), raster([[5.5]], np.float32), legend_a="values"
            ),
            "map A holds fractions",
        ),
        (
            lambda: compare(raster([[5]]), raster([[5]]), legend_a="values", crosswalk="clc"),
            "nothing says what the values of one map mean",
        ),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_the_disc_is_round():
    assert disc(0.9).tolist() == []
    assert sorted(map(tuple, disc(1.0).tolist())) == [(-1, 0), (0, -1), (0, 1), (1, 0)]
    assert len(disc(1.5)) == 8
    assert (disc(4.0) ** 2).sum(axis=1).max() == 16


maps = st.integers(1, 7).flatmap(
    lambda h: st.integers(1, 7).flatmap(
        lambda w: st.tuples(
            *[
                st.lists(
                    st.sampled_from([0, OAK, PINE, GRASS, LAKE]), min_size=h * w, max_size=h * w
                ).map(lambda v, h=h, w=w: np.array(v, dtype=np.uint16).reshape(h, w))
            ]
            * 2
        )
    )
)


@settings(max_examples=40, deadline=None)
@given(maps, st.sampled_from([0.0, 10.0, 15.0, 30.0]))
def test_comparison_is_symmetric(pair, tolerance):
    a, b = pair
    if not ((a > 0) & (b > 0)).any():
        return
    forth = by_tree(a, b, tolerance_m=tolerance)
    back = by_tree(b, a, tolerance_m=tolerance)
    swapped = {7: 8, 8: 7}
    mirrored = np.vectorize(lambda v: swapped.get(v, v))(back.map.values)
    assert (forth.map.values == mirrored).all()
    for name in ("agreement", "certain", "by_chance", "border", "thematic"):
        assert forth.summary[name] == pytest.approx(back.summary[name])
    one, other = forth.per_class, back.per_class
    assert one["code"].tolist() == other["code"].tolist()
    assert np.allclose(one["f1"], other["f1"], equal_nan=True)
    assert np.allclose(one["a_in_b"], other["b_in_a"], equal_nan=True)
    outcomes = forth.summary
    parts = [outcomes[f"{k}_ha"] for k in
             ("same", "coarser", "ambiguous", "border", "temporal", "thematic")]  # fmt: skip
    assert sum(parts) == pytest.approx(outcomes["compared_ha"])
    levels = forth.per_level["agreement"]
    assert levels[0] >= levels[1]


@settings(max_examples=30, deadline=None)
@given(maps)
def test_a_map_agrees_with_itself(pair):
    a, _ = pair
    if not (a > 0).any():
        return
    found = by_tree(a, a)
    assert found.summary["certain"] == 1
    assert (found.per_class["iou"] == 1).all()
    assert isinstance(found.pairs, pd.DataFrame)


@settings(max_examples=40, deadline=None)
@given(maps, st.sampled_from([10.0, 20.0]))
def test_more_tolerance_never_means_more_thematic(pair, tolerance):
    a, b = pair
    if not ((a > 0) & (b > 0)).any():
        return
    strict, lax = (by_tree(a, b, tolerance_m=t).map.values for t in (0, tolerance))
    assert (lax[strict != 6] == strict[strict != 6]).all()
    assert np.isin(lax[strict == 6], (4, 6)).all()
