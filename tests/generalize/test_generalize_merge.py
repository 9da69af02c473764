from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.generalize._affinity import BASE, LINE_PENALTY, similarity_table
from bocage.generalize._graph import fuse, label_regions, region_graph
from bocage.generalize._merge import enforce
from bocage.generalize._rules import View, views_of
from bocage.generalize._settings import GeneralizeSettings, load_rules

sides = st.integers(1, 9)
PLAIN = load_rules("plain")


def graph_of(*years, locked=None):
    classes = np.array(years, np.uint8)
    every = np.ones(classes.shape[1:], bool)
    labels = label_regions(classes, every)
    return labels, region_graph(labels, classes, every, ~every if locked is None else locked, 1.0)


def slow_merge(graph, limit, table):
    """One year: the smallest region joins the neighbour with the best score, until none is small.

    Returns the regions that stay as {region: (class, area, members)}.
    """
    graph, lineage = fuse(graph)
    code, area, line = graph.codes[:, 0].tolist(), graph.area.tolist(), graph.line.tolist()
    border = {}
    for a, b, length in zip(graph.first, graph.second, graph.border, strict=True):
        border.setdefault(int(a), {})[int(b)] = border.setdefault(int(b), {})[int(a)] = length
    members = {n: {n} for n in range(len(graph))}

    def unite(one, into):
        area[into] += area[one]
        members[into] |= members.pop(one)
        if code[one] == code[into]:
            line[into] |= line[one]
        for beside, length in border.pop(one, {}).items():
            del border[beside][one]
            if beside != into:
                border[into][beside] = border[into].get(beside, 0.0) + length
                border[beside][into] = border[into][beside]

    while small := [n for n in members if area[n] < limit and border.get(n)]:
        one = min(small, key=lambda n: (area[n], n))

        def score(other, one=one):
            factor = LINE_PENALTY if line[other] and not line[one] else 1.0
            value = border[one][other] * (BASE + table[code[one], code[other]]) * factor
            return value, area[other], -other

        into = max(border[one], key=score)
        beside = list(border[one])
        unite(one, into)
        for other in beside:
            if other != into and code[other] == code[into]:
                unite(other, into)
    found = {}
    for region, parts in members.items():
        pixels = frozenset(np.flatnonzero(np.isin(lineage, list(parts))).tolist())
        found[pixels] = (code[region], area[region])
    return found


@settings(max_examples=200, deadline=None)
@given(
    arrays(np.uint8, st.tuples(sides, sides), elements=st.integers(0, 5)),
    st.sampled_from([2, 3, 6, 20]),
    st.integers(0, 20),
)
def test_one_year_merges_as_a_plain_search_does(toy, data, limit, seed):
    table = similarity_table(toy)
    locked = (data == 4) & (np.random.default_rng(seed).random(data.shape) < 0.5)
    _, graph = graph_of(data, locked=locked)
    merged = enforce(graph, (View((0,), float(limit), ()),), table)
    found = {}
    for region in range(len(merged.codes)):
        parts = np.flatnonzero(merged.group == region)
        found[frozenset(parts.tolist())] = (merged.codes[region, 0], graph.area[parts].sum())
    assert found == slow_merge(graph, limit, table)


def polygons(keys, labels):
    """Connected pixels with one key, as (region numbers, pixels); -1 takes no part."""
    found = label_regions(keys[None].astype(np.uint8), keys >= 0)
    return [(found == n) for n in range(found.max() + 1)]


@settings(max_examples=150, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.just(2), sides, sides), elements=st.integers(1, 3)),
    st.sampled_from([0.0002, 0.0004, 0.001]),
)
def test_no_polygon_of_any_view_stays_small(toy, data, unit):
    labels, graph = graph_of(*data)
    views = views_of(2, toy, GeneralizeSettings(mmu_ha=unit, rules=PLAIN), margin=0.0)
    merged = enforce(graph, views, similarity_table(toy))
    codes = merged.codes[merged.group[labels]]
    assert set(merged.group.tolist()) == set(range(len(merged.codes)))
    pairs = codes[..., 0].astype(int) * 4 + codes[..., 1]
    change = np.where(codes[..., 0] == codes[..., 1], -1, pairs)
    for keys in (codes[..., 0].astype(int), codes[..., 1].astype(int), change):
        for polygon in polygons(keys, labels):
            assert polygon.sum() >= unit * 10_000 or polygon.all()
    again = enforce(graph, views, similarity_table(toy))
    assert again.group.tobytes() == merged.group.tobytes()


def test_specks_go_and_lines_stay_out_of_the_way_of_land(toy):
    table, view = similarity_table(toy), (View((0,), 40.0, ()),)
    data = np.full((20, 20), 2)
    data[:, 10:12] = 4
    data[:, 12:] = 3
    data[5, 9] = 5  # beside the road, with as long a border with it as the speck leaves land
    _, graph = graph_of(data, locked=data == 4)
    merged = enforce(graph, view, table)
    assert sorted(merged.codes[:, 0]) == [2, 3, 4]
    assert merged.line.tolist() == (merged.codes[:, 0] == 4).tolist()
    speck = np.flatnonzero(graph.codes[:, 0] == 5)[0]
    assert merged.codes[merged.group[speck], 0] == 2


def test_the_smallest_polygon_of_any_view_goes_first(toy):
    # The pair (2, 3) belongs to a polygon of the first year that is large enough, and to one of
    # the second year that is not.
    first = [[2, 2, 2, 2, 2, 5, 5, 5]]
    second = [[2, 2, 2, 3, 3, 5, 5, 5]]
    _, graph = graph_of(first, second)
    views = (View((0,), 3.0, ()), View((1,), 3.0, ()))
    merged = enforce(graph, views, similarity_table(toy))
    assert merged.group.tolist() == [0, 0, 1]
    assert merged.codes.tolist() == [[2, 2], [5, 5]]


def test_what_has_no_neighbour_stays(toy):
    _, graph = graph_of([[2, 2]])
    merged = enforce(graph, (View((0,), 99.0, ()),), similarity_table(toy))
    assert merged.codes.tolist() == [[2]]


@pytest.mark.parametrize(("contact", "stays"), [(0.0, True), (4.0, False)])
def test_a_short_contact_with_the_rim_does_not_count(toy, contact, stays):
    data = np.full((30, 30), 2)
    data[:10, 13:16] = 5  # 30 pixels, 3 of them at the rim
    _, graph = graph_of(data)
    views = views_of(1, toy, GeneralizeSettings(mmu_ha=0.005), margin=0.0)
    marginal = [rule for rule in views[0].exemptions if rule.at_rim and rule.neighbour is None]
    rule = View((0,), 50.0, tuple(r for r in marginal))
    assert marginal
    small = View((0,), 50.0, tuple(_smaller(r) for r in rule.exemptions))
    merged = enforce(graph, (small,), similarity_table(toy), rim_contact=contact)
    assert (5 in merged.codes) == stays


def _smaller(rule):
    from dataclasses import replace

    return replace(rule, area=20.0)
