import itertools
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend, LegendClass, list_legends, load_legend


@pytest.fixture(scope="module")
def pa():
    return load_legend("pa")


@st.composite
def legends(draw):
    """Any tree of 1 to 4 levels with up to 250 leaves; codes are shuffled, names are not needed."""
    levels = draw(st.integers(1, 4))
    leaves = draw(st.one_of(st.integers(1, 40), st.integers(1, 250)))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    parents = [np.arange(leaves)]
    for _ in range(levels - 1):
        above = parents[0]
        groups = rng.integers(0, max(1, len(np.unique(above)) // 2 + 1), above.max() + 1)
        parents.insert(0, np.unique(groups[above], return_inverse=True)[1])
    names = rng.permutation(9000)[: leaves * levels] + 1000
    classes = tuple(
        LegendClass(
            codes=tuple(int(names[level * leaves + parents[level][i]]) for level in range(levels)),
            names=tuple(f"class {level} {parents[level][i]}" for level in range(levels)),
            color=f"#{int(rng.integers(0, 1 << 24)):06x}",
        )
        for i in range(leaves)
    )
    return Legend("any", classes)


@settings(max_examples=60, deadline=None)
@given(legends())
def test_any_tree(legend):
    assert len(legend) == len(legend.classes)
    table = legend.code_table()
    assert table.shape == (256,)
    assert table[UNCLASSIFIED] == table[OUTSIDE] == 0
    indices = np.arange(len(legend) + 1)
    assert (legend.encode(table[indices]) == indices).all()
    for level in range(1, legend.levels + 1):
        coarse = legend.code_table(level)
        below = [legend.leaves(code, level) for code in legend.codes(level)]
        assert sorted(c for leaves in below for c in leaves) == sorted(legend.codes())
        for code, leaves in zip(legend.codes(level), below, strict=True):
            assert {legend.parent(leaf, level) for leaf in leaves} == {code}
            assert {int(coarse[legend.index(leaf)]) for leaf in leaves} == {code}
            assert legend.name(code, level).startswith(f"class {level - 1}")
            assert legend.color(code, level).startswith("#")
    assert np.array_equal(legend.similarity, legend.similarity.T)
    assert (legend.similarity.diagonal() == 1).all()
    copy = pickle.loads(pickle.dumps(legend))
    assert copy == legend
    assert hash(copy) == hash(legend)
    assert copy.fingerprint == legend.fingerprint


@settings(max_examples=30, deadline=None)
@given(legends(), st.data())
def test_a_code_twice_is_an_error(legend, data):
    leaf = data.draw(st.sampled_from(legend.classes))
    with pytest.raises(InputError, match=f"duplicate code {leaf.code}"):
        Legend("twice", (*legend.classes, leaf))


@settings(max_examples=30, deadline=None)
@given(legends())
def test_csv_round_trip(tmp_path_factory, legend):
    path = tmp_path_factory.mktemp("legend") / "any.csv"
    n = legend.levels
    rows = [",".join([*(f"code_{i + 1},name_{i + 1}" for i in range(n)), "color"])]
    for leaf in legend.classes:
        pairs = (f"{c},{name}" for c, name in zip(leaf.codes, leaf.names, strict=True))
        rows.append(",".join([*pairs, leaf.color]))
    path.write_text("\n".join(rows))
    assert Legend.from_csv(path) == legend


def test_pa(pa):
    assert list_legends()[0] == "pa"
    assert [len(pa.codes(level)) for level in (1, 2, 3, 4)] == [8, 27, 55, 59]
    assert pa.levels == 4
    # Codes of the product: every level is a prefix of the next.
    for leaf in pa.classes:
        texts = [str(c) for c in leaf.codes]
        assert all(fine.startswith(coarse) for coarse, fine in itertools.pairwise(texts))
    assert len({leaf.color for leaf in pa.classes}) == 59
    assert len(pa.flagged("linear")) == 4
    assert set(pa.roles) >= {"road", "rail", "river"}
    assert all(code in pa.codes() for code in pa.roles.values())
    assert pa.color(pa.codes(1)[0], 1) == "#ff4040"


def test_similarity(pa):
    leaf = pa.classes[0]
    row = dict(zip(pa.codes(), pa.similarity[0].tolist(), strict=True))
    assert row[leaf.code] == 1
    other = next(
        c for c in pa.classes if c.codes[0] != leaf.codes[0] and c.code not in leaf.confusions
    )
    if leaf.code not in other.confusions:
        assert row[other.code] == 0
    assert all(row[code] >= 0.5 for code in leaf.confusions)
    with pytest.raises(ValueError, match="read-only"):
        pa.similarity[0, 0] = 0


def test_frozen(pa):
    with pytest.raises(FrozenInstanceError):
        pa.id = "other"
    with pytest.raises(TypeError):
        pa.roles["road"] = 1


def test_unknown_codes_are_named(pa):
    with pytest.raises(InputError, match="class 9999 is not in the legend 'pa'"):
        pa.encode(np.array([[0, 9999]]))
    with pytest.raises(InputError, match="no class 9999 at any level"):
        pa.leaves(9999)
    with pytest.raises(InputError, match="has no level 5"):
        pa.code_table(5)
    with pytest.raises(InputError, match="has no level 0"):
        pa.leaves(1, 0)


def test_encode_keeps_the_shape(pa):
    codes = np.array([[0, pa.codes()[4]], [pa.codes()[58], 0]])
    assert pa.encode(codes).tolist() == [[0, 5], [59, 0]]
    assert pa.encode(np.zeros((0, 3), int)).shape == (0, 3)


def test_more_classes_than_a_byte():
    classes = tuple(LegendClass((i + 1,), (f"{i}",), "#000000") for i in range(255))
    for legend in (
        Legend("big", classes),
        Legend("bigger", (*classes, LegendClass((999,), ("x",), "#000000"))),
    ):
        with pytest.raises(InputError, match="a raster index holds 254"):
            legend.encode(np.array([1]))
        with pytest.raises(InputError, match="a raster index holds 254"):
            legend.code_table()
    assert Legend("full", classes[:254]).encode(np.array([254])).tolist() == [254]


def write(tmp_path, text, **options):
    path = tmp_path / "legend.csv"
    path.write_text(text, **options)
    return path


def test_small_csv(tmp_path):
    path = write(
        tmp_path,
        "code_1,name_1,code_2,name_2,confusions,role,linear\n"
        "1, Land ,11,grass,12,,0\n1,Land,12,scrub,,,0\n2,Lines,21,road,,road,1\n",
        encoding="utf-8-sig",
    )
    legend = load_legend("legend.csv", folder=tmp_path)
    assert legend == Legend.from_csv(path)
    assert legend.id == "legend"
    assert legend.name(1, 1) == "Land"
    assert legend.roles == {"road": 21}
    assert legend.flagged("linear") == (21,)
    assert legend[11].confusions == (12,)
    assert len({c.color for c in legend.classes}) == 3
    assert legend.leaves(1) == (11, 12)


def test_a_code_of_two_levels_means_the_deepest(tmp_path):
    path = write(tmp_path, "code_1,name_1,code_2,name_2\n7,a,7,b\n7,a,8,c\n")
    legend = Legend.from_csv(path)
    assert legend.leaves(7) == (7,)
    assert legend.leaves(7, 1) == (7, 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code_1,name_1\n", "the legend has no class"),
        ("code_1\n1\n", "missing column name_1"),
        ("kind,name\n1,a\n", "missing column code_1, name_1"),
        ("code_1,name_1,code_3,name_3\n1,a,2,b\n", "missing column code_2"),
        ("code_1,name_1\nx,a\n", "line 2: 'x' is no class code"),
        ("code_1,name_1\n1,a\n-2,b\n", "line 3: '-2' is no class code"),
        ("code_1,name_1\n1.5,a\n", "'1.5' is no class code"),
        ("code_1,name_1\n1,a\n1,b\n", "duplicate code 1"),
        (
            "code_1,name_1,code_2,name_2,code_3,name_3\n1,a,3,b,5,c\n2,a,3,b,6,c\n",
            "code 3 of level 2 has two parents",
        ),
        ("code_1,name_1,color\n1,a,red\n", "'red' of class 1 is no colour"),
        ("code_1,name_1,confusions\n1,a,9\n", "9 named as a confusion or role is no class"),
        ("code_1,name_1,role\n1,a,road\n2,b,road\n", "role 'road' is given to two classes"),
        ("code_1,name_1\n1\n", "line 2 has fewer fields than the header"),
        ("code_1,name_1\n1,a\n2,b,c\n", "line 3 has more fields than the header"),
    ],
)
def test_wrong_legends_are_named(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        Legend.from_csv(write(tmp_path, text))


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Legend.from_csv(tmp_path / "none.csv")
    with pytest.raises(InputError, match="there is no legend 'corine'"):
        load_legend("corine")
    path = tmp_path / "latin.csv"
    path.write_bytes("code_1,name_1\n1,forêt\n".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        Legend.from_csv(path)


def test_classes_of_unequal_depth():
    with pytest.raises(InputError, match="classes differ in depth"):
        Legend(
            "odd",
            (LegendClass((1,), ("a",), "#000000"), LegendClass((1, 2), ("a", "b"), "#000000")),
        )
    with pytest.raises(InputError, match="has no class"):
        Legend("none", ())
