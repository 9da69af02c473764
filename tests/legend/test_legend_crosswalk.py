import csv
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.legend import (
    Condition,
    Legend,
    LegendClass,
    list_crosswalks,
    load_crosswalk,
    load_legend,
)


@pytest.fixture(scope="module")
def pa():
    return load_legend("pa")


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.csv"
    path.write_text("code_1,name_1,code_2,name_2\n1,a,11,x\n1,a,12,y\n2,b,21,z\n")
    return Legend.from_csv(path)


@pytest.mark.parametrize("name", list_crosswalks())
def test_packaged_crosswalks_lead_to_leaves(name, pa):
    crosswalk = load_crosswalk(name, pa)
    leaves = set(pa.codes())
    assert crosswalk.id == name
    assert crosswalk.allowed
    for source, allowed in crosswalk.allowed.items():
        assert allowed
        assert set(allowed) <= leaves, source
        assert len(set(allowed)) == len(allowed)
    # A recode of the map leads to a class that allows the leaf it came from.
    for leaf, source in crosswalk.preferred.items():
        assert leaf in crosswalk.allowed[source]
    assert pickle.loads(pickle.dumps(crosswalk)) == crosswalk


def test_the_predecessor_covers_the_legend(pa):
    crosswalk = load_crosswalk("n2k2018", pa)
    assert {c for allowed in crosswalk.allowed.values() for c in allowed} == set(pa.codes())
    relations = {crosswalk.relation(source) for source in crosswalk.allowed}
    assert {"1:1", "ambiguous"} <= relations


def test_identity_knows_every_level(small):
    crosswalk = load_crosswalk("identity", small)
    assert crosswalk.to_legend(11) == (11,)
    assert crosswalk.to_legend("1") == (11, 12)
    assert crosswalk.relation(11) == "1:1"
    assert crosswalk.relation(1) == "ambiguous"
    assert crosswalk.from_legend(21) == "21"
    assert crosswalk.names["21"] == "z"


def test_index_of_our_own_rasters(small):
    crosswalk = load_crosswalk("index", small)
    assert [crosswalk.to_legend(i) for i in (1, 2, 3)] == [(11,), (12,), (21,)]
    assert not crosswalk.knows(4)
    assert not crosswalk.knows(0)


def test_csv(small, tmp_path):
    (tmp_path / "cw.csv").write_text(
        "source_code,code,source_name\nforest,1,Forest\n wood ,11,Wood\ntrees,11,\nrock,21,Rock\n"
    )
    crosswalk = load_crosswalk("cw.csv", small, folder=tmp_path)
    assert crosswalk.to_legend("forest") == (11, 12)
    assert [crosswalk.relation(s) for s in ("forest", "wood", "trees", "rock")] == [
        "ambiguous", "n:1", "n:1", "1:1",
    ]  # fmt: skip
    assert crosswalk.knows("wood")
    assert not crosswalk.knows("water")
    assert crosswalk.from_legend(12) == "forest"
    assert crosswalk.from_legend(99) is None
    assert crosswalk.names["rock"] == "Rock"


def test_a_class_is_left_out_on_purpose(small, tmp_path):
    (tmp_path / "cw.csv").write_text("source_code,code\nmixed,0\nrock,21\nother,0\n")
    crosswalk = load_crosswalk("cw.csv", small, folder=tmp_path)
    assert crosswalk.knows("mixed")
    assert crosswalk.to_legend("mixed") == ()
    assert [crosswalk.relation(s) for s in ("mixed", "rock", "other")] == ["out", "1:1", "out"]
    assert crosswalk.preferred == {21: "rock"}
    assert crosswalk.primary == {(21, "rock")}


def test_all_conditions_of_a_pair_are_kept(small, tmp_path):
    (tmp_path / "cw.csv").write_text(
        "source_code,code,layer,least,most\n1,11,height,100,\n1,11,slope,,30\n1,12,,,\n"
    )
    crosswalk = load_crosswalk("cw.csv", small, folder=tmp_path)
    assert crosswalk.to_legend(1) == (11, 12)
    assert crosswalk.conditions == {
        (11, "1"): (Condition("height", least=100), Condition("slope", most=30))
    }
    assert crosswalk.layers == ("height", "slope")


def test_a_condition_holds_between_its_limits():
    values = np.array([99.9, 100, 199.9, 200, np.nan], np.float32)
    assert Condition("height", 100, 200).holds(values).tolist() == [False, True, True, False, True]


def test_unknown_class_is_named(small):
    with pytest.raises(InputError, match="class 77 is not in the crosswalk 'identity'") as error:
        load_crosswalk("identity", small).to_legend(77)
    assert "add the class to a crosswalk CSV" in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "needs rows with the columns source_code and code"),
        ("source_code,code\n", "needs rows"),
        ("source_code,code\n5,x\n", "'x' is no class code"),
        ("source_code,code\n5,77\n", "no class 77 at any level"),
        ("source_code,code\n5\n", "line 2 has fewer fields than the header"),
        ("source_code,code\n5,0\n6,21\n5,11\n", "5 is left out .code 0. and has classes, too"),
        (
            "source_code,code,layer,least,most\n5,0,height,1,\n",
            "5 is left out .* by the layer height",
        ),
    ],
)
def test_wrong_tables_are_named(text, message, small, tmp_path):
    (tmp_path / "cw.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        load_crosswalk("cw.csv", small, folder=tmp_path)


def test_wrong_names_are_named(small, tmp_path):
    with pytest.raises(InputError, match="there is no crosswalk 'corine'"):
        load_crosswalk("corine", small)
    with pytest.raises(InputError, match="crosswalk: no such file"):
        load_crosswalk(tmp_path / "none.csv", small)
    (tmp_path / "cw.csv").write_bytes(
        "source_code,code,source_name\n1,11,forêt\n".encode("latin-1")
    )
    with pytest.raises(InputError, match="is not UTF-8 text"):
        load_crosswalk("cw.csv", small, folder=tmp_path)
    with pytest.raises(InputError, match="no class"):
        load_crosswalk("clc", small)


@pytest.mark.parametrize("word", ["yes", "2", "true"])
def test_primary_is_one_or_nothing(word, small, tmp_path):
    (tmp_path / "cw.csv").write_text(f"source_code,code,primary\na,11,{word}\n")
    with pytest.raises(InputError, match=f"primary is '{word}'"):
        load_crosswalk(tmp_path / "cw.csv", small)
    (tmp_path / "cw.csv").write_text("source_code,code,primary\na,11,\nb,12, 0\nc,21,1\n")
    assert load_crosswalk(tmp_path / "cw.csv", small).primary == {(11, "a"), (21, "c")}


WORD = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_crosswalk_round_trips(tmp_path_factory, data):
    legend = Legend("any", tuple(
        LegendClass((1 + i % 9, 1001 + i), ("a", "b"), "#000000")
        for i in range(data.draw(st.integers(1, 500)))
    ))  # fmt: skip
    leaf, limit = st.sampled_from(legend.codes()), st.floats(allow_nan=False)
    condition = st.builds(Condition, WORD, limit, limit)
    said = st.lists(condition, max_size=3)
    pairs = st.dictionaries(leaf, st.tuples(st.booleans(), said), min_size=1)
    drawn = data.draw(st.dictionaries(WORD, pairs, min_size=1, max_size=20))
    rows = [
        (source, code, int(main), *limits)
        for source, targets in drawn.items()
        for code, (main, cs) in targets.items()
        for limits in [(c.layer, repr(c.least), repr(c.most)) for c in cs] or [("", "", "")]
    ]
    path = tmp_path_factory.mktemp("c") / "cw.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [("source_code", "code", "primary", "layer", "least", "most"), *rows]
        )
    found = load_crosswalk(path, legend)
    assert found.allowed == {source: tuple(targets) for source, targets in drawn.items()}
    assert found.primary == {(row[1], row[0]) for row in rows if row[2]}
    assert found.conditions == {
        (code, source): tuple(cs)
        for source, targets in drawn.items()
        for code, (_, cs) in targets.items()
        if cs
    }
    assert set(found.layers) == {c.layer for cs in found.conditions.values() for c in cs}
    for code in legend.codes():
        sources = [s for s, targets in drawn.items() if code in targets and targets[code][0]]
        assert found.from_legend(code) == (sources[0] if sources else None)
