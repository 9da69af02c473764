"""Recoding: what the table says, what layers and the posterior add, what stays undecided."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.legend import (
    HOW,
    Crosswalk,
    Legend,
    LegendClass,
    Recode,
    list_legends,
    load_crosswalk,
    load_legend,
)

MAP = Legend(
    "map",
    (
        LegendClass((1,), ("town",), "#aa0000"),
        LegendClass((2,), ("grass",), "#00aa00"),
        LegendClass((3,), ("wood",), "#006600"),
    ),
)
OTHER = Legend(
    "other",
    (
        LegendClass((10,), ("dense",), "#aa0000"),
        LegendClass((11,), ("loose",), "#bb0000"),
        LegendClass((20,), ("meadow",), "#00aa00"),
        LegendClass((30,), ("forest",), "#006600"),
    ),
)
TABLE = (
    "source_code,code,primary,layer,least,most\n"
    "10,1,1,sealing,80,\n11,1,1,sealing,,80\n20,1,0,,,\n20,2,1,,,\n30,3,1,,,\n"
)


def _crosswalk(folder: Path, text: str = TABLE) -> Crosswalk:
    path = folder / "cw.csv"
    path.write_text(text, encoding="utf-8")
    return load_crosswalk(path, MAP)


@pytest.fixture
def recode(tmp_path: Path) -> Recode:
    return Recode.between(MAP, OTHER, _crosswalk(tmp_path))


def _decide(recode: Recode, own, shares=None, **layers) -> list[tuple[int, str]]:
    known = None if shares is None else np.array(shares, np.float32)
    values = {k: np.array(v, float) for k, v in layers.items()}
    found = recode.decide(np.array(own), known, values)
    return [(int(c), HOW[h]) for c, h in zip(found.code, found.how, strict=True)]


def test_the_table_decides_where_it_has_one_class(recode: Recode) -> None:
    assert _decide(recode, [2, 3, 0, 255]) == [
        (20, "table"), (30, "table"), (0, "table"), (0, "table"),
    ]  # fmt: skip


def test_without_evidence_the_first_preferred_is_taken_and_said_to_be_undecided(recode) -> None:
    assert _decide(recode, [1]) == [(10, "undecided")]
    # All that is known of the object is its own class.
    assert _decide(recode, [1], [[1, 0, 0]]) == [(10, "undecided")]
    # The wood in it says nothing about the three classes to choose from.
    assert _decide(recode, [1], [[0.6, 0, 0.4]]) == [(10, "undecided")]


def test_a_layer_decides_by_its_limits(recode: Recode) -> None:
    """Below 80 the dense class is out, from 80 on the loose one; meadow is always left."""
    found = _decide(recode, [1, 1, 1], sealing=[79.9, 80.0, np.nan])
    assert found == [(11, "undecided"), (10, "undecided"), (10, "undecided")]


def test_a_layer_that_leaves_one_class_decides(tmp_path: Path) -> None:
    text = TABLE.replace("20,1,0,,,\n", "")
    recode = Recode.between(MAP, OTHER, _crosswalk(tmp_path, text))
    assert recode.layers == ("sealing",)
    found = _decide(recode, [1, 1, 1, 2], sealing=[10.0, 80.0, np.nan, 90.0])
    assert found == [(11, "layer"), (10, "layer"), (10, "undecided"), (20, "table")]


def test_all_layers_of_a_pair_must_hold(tmp_path: Path) -> None:
    rows = ("10,1,sealing,80,", "10,1,height,3,", "11,1,,,", "20,2,,,", "30,3,,,")
    text = "\n".join(["source_code,code,layer,least,most", *rows, ""])
    recode = Recode.between(MAP, OTHER, _crosswalk(tmp_path, text))
    assert recode.layers == ("height", "sealing")
    found = _decide(recode, [1, 1, 1], sealing=[90.0, 90.0, 70.0], height=[5.0, 1.0, 5.0])
    assert found == [(10, "undecided"), (11, "layer"), (11, "layer")]


def test_a_layer_that_leaves_nothing_is_not_believed(tmp_path: Path) -> None:
    rows = ("10,1,sealing,80,", "11,1,sealing,50,80", "20,2,,,", "30,3,,,")
    text = "\n".join(["source_code,code,layer,least,most", *rows, ""])
    recode = Recode.between(MAP, OTHER, _crosswalk(tmp_path, text))
    assert _decide(recode, [1], sealing=[20.0]) == [(10, "undecided")]


def test_the_posterior_decides_between_what_the_table_allows(recode: Recode) -> None:
    """Town has weights 2/5, 2/5 and 1/5: with 0.5 of it and 0.4 grass meadow has 0.5 of 0.9."""
    assert _decide(recode, [1], [[0.5, 0.4, 0.1]]) == [(20, "posterior")]
    # 0.8 town, 0.2 grass: 0.32 dense, 0.32 loose, 0.36 meadow; ahead by less than 0.05.
    assert _decide(recode, [1], [[0.8, 0.2, 0]]) == [(10, "undecided")]


def test_what_a_layer_excludes_the_posterior_cannot_choose(tmp_path: Path) -> None:
    text = TABLE.replace("20,1,0,,,", "20,1,0,sealing,,50")
    recode = Recode.between(MAP, OTHER, _crosswalk(tmp_path, text))
    assert _decide(recode, [1], [[0.5, 0.4, 0.1]], sealing=[90.0]) == [(10, "layer")]


def test_targets_are_found_by_notation(tmp_path: Path) -> None:
    other = Legend("eu", (LegendClass((1,), ("Wood",), "#006600", notations=("G1",)),))
    text = "source_code,code\nG1,1\nG1,2\nG1,3\n"
    recode = Recode.between(MAP, other, _crosswalk(tmp_path, text))
    assert _decide(recode, [1, 2]) == [(1, "table"), (1, "table")]


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the legend 'other' has no 77"):
        Recode.between(MAP, OTHER, _crosswalk(tmp_path, TABLE + "77,3,1,,,\n"))
    with pytest.raises(InputError, match="has no pair for class 3"):
        Recode.between(MAP, OTHER, _crosswalk(tmp_path, TABLE.replace("30,3,1,,,\n", "")))
    with pytest.raises(InputError, match="'much' of the layer sealing is no number"):
        _crosswalk(tmp_path, TABLE.replace("80,\n", "1,much\n", 1))


@pytest.mark.parametrize("name", ["n2k2018", "clc", "clcplus", "maes", "eunis", "lulucf"])
def test_packaged_legends_and_crosswalks_fit(name: str) -> None:
    pa, target = load_legend("pa"), load_legend(name)
    recode = Recode.between(pa, target, load_crosswalk(name, pa))
    found = recode.decide(np.arange(1, len(pa) + 1))
    assert set(found.code.tolist()) <= set(target.codes())
    assert name in list_legends()
    assert recode.splits == (name not in ("n2k2018", "maes"))
    # Every class of the other nomenclature that stands for one here can be reached.
    assert (recode.weight.sum(axis=0) > 0).all()
    assert recode.fingerprint == Recode.between(pa, target, load_crosswalk(name, pa)).fingerprint


def test_known_pairs_of_the_packaged_crosswalks() -> None:
    pa = load_legend("pa")

    def names(target: str) -> dict[int, tuple[str, str]]:
        legend = load_legend(target)
        recode = Recode.between(pa, legend, load_crosswalk(target, pa))
        found = recode.decide(np.arange(1, len(pa) + 1))
        return {
            leaf: (legend.notation(int(code)), HOW[how])
            for leaf, code, how in zip(pa.codes(), found.code, found.how, strict=True)
        }

    town = pa.classes[0].code
    # Without a layer of sealed ground housing is taken to be discontinuous, as most of it is.
    assert names("clc")[town] == ("112", "undecided")
    assert names("maes")[town] == ("Urban", "table")
    assert names("lulucf")[town] == ("Settlements", "table")
    assert names("eunis")[town] == ("J1", "undecided")
    assert {how for _, how in names("n2k2018").values()} == {"table"}


# --- any legend, any crosswalk ---------------------------------------------------------------


@st.composite
def legends(draw: st.DrawFn, most: int = 500) -> Legend:
    levels = draw(st.integers(1, 4))
    size = draw(st.integers(1, most))
    parents = draw(st.lists(st.integers(1, 9), min_size=levels, max_size=levels))
    words = draw(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]),
                                  min_size=1, max_size=8), min_size=1, max_size=5))  # fmt: skip
    with_notation = draw(st.booleans())
    classes = []
    for n in range(size):
        # A path in a tree: each level is the one above with one more digit group.
        path = [n // (-(-size // parents[0])) + 1]
        for level in range(1, levels):
            last = level == levels - 1
            step = n + 1 if last else n % parents[level] + 1
            path.append(path[-1] * (1000 if last else 10) + step)
        if levels == 1:
            path = [n + 1]
        name = words[n % len(words)]
        classes.append(
            LegendClass(
                tuple(path),
                tuple(f"{name} {code}" for code in path),
                f"#{draw(st.integers(0, 2**24 - 1)) if n < 3 else n:06x}",
                flags=frozenset({"linear"}) if n % 7 == 0 else frozenset(),
                notations=tuple(f"{name}{c}" for c in path) if with_notation else (),
            )
        )
    return Legend("any", tuple(classes), {"road": classes[0].code} if size > 1 else {})


def write_legend(legend: Legend, path: Path) -> Path:
    numbers = range(1, legend.levels + 1)
    head = [f"{kind}_{n}" for n in numbers for kind in ("code", "name")] + [
        "color",
        "linear",
        "role",
    ]
    if legend.classes[0].notations:
        head += [f"notation_{n}" for n in numbers]
    roles = {code: role for role, code in legend.roles.items()}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for leaf in legend.classes:
            pairs = [text for pair in zip(leaf.codes, leaf.names, strict=True) for text in pair]
            own = [leaf.color, int("linear" in leaf.flags), roles.get(leaf.code, "")]
            writer.writerow([*pairs, *own, *leaf.notations])
    return path


@given(legends())
@settings(max_examples=20, deadline=None)
def test_any_legend_survives_its_file(tmp_path_factory, legend: Legend) -> None:
    path = write_legend(legend, tmp_path_factory.mktemp("l") / "any.csv")
    again = Legend.from_csv(path)
    assert again == legend
    assert again.fingerprint == legend.fingerprint
    assert {c.notations for c in again.classes} == {c.notations for c in legend.classes}
    for level in range(1, legend.levels + 1):
        assert again.codes(level) == legend.codes(level)
    if len(legend) < 255:
        codes = np.array(legend.codes())
        assert (legend.code_table()[legend.encode(codes)] == codes).all()


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_any_crosswalk_leads_to_allowed_classes(tmp_path_factory, data: st.DataObject) -> None:
    source, target = data.draw(legends(60)), data.draw(legends())
    leaves, others = source.codes(), target.codes()
    pairs = {
        (leaf, code)
        for leaf in leaves
        for code in data.draw(st.lists(st.sampled_from(others), min_size=1, max_size=3))
    }
    path = tmp_path_factory.mktemp("c") / "any.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["source_code", "code", "primary"])
        for leaf, code in sorted(pairs):
            writer.writerow([target.notation(code), leaf, (leaf + code) % 2])
    crosswalk = load_crosswalk(path, source)
    again = {(leaf, s) for s, group in crosswalk.allowed.items() for leaf in group}
    assert again == {(leaf, target.notation(code)) for leaf, code in pairs}
    recode = Recode.between(source, target, crosswalk)
    own = np.array(data.draw(st.lists(st.integers(0, len(source)), min_size=1, max_size=30)))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    shares = rng.dirichlet(np.full(len(source), 0.2), len(own)).astype(np.float32)
    for known in (None, shares):
        found = recode.decide(own, known)
        for index, code, how in zip(own, found.code, found.how, strict=True):
            if index == 0:
                assert code == 0
                continue
            leaf = source.codes()[index - 1]
            assert (leaf, code) in pairs
            assert (HOW[how] == "table") == (sum(p[0] == leaf for p in pairs) == 1)
            assert known is not None or HOW[how] in ("table", "undecided")
