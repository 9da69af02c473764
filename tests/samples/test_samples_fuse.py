import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.samples import Labels, fuse


def labels(*sets):
    """One row of pixels from sets; None is no label."""
    known = list(dict.fromkeys(s for s in sets if s))
    ids = np.array([[known.index(s) + 1 if s else 0 for s in sets]], dtype=np.uint16)
    return Labels(ids, tuple(known))


def sets_of(fused):
    return [fused.sets[i - 1] if i else None for i in fused.ids.ravel().tolist()]


def test_agreement_narrowing_and_contradiction():
    strong = labels((1,), (1, 2), (1,), None, (1,))
    weak = labels((1,), (2, 3), (2,), (3,), None)
    fused = fuse([weak, strong], [1, 3])
    assert sets_of(fused) == [(1,), (2,), (1,), (3,), (1,)]
    assert fused.weight[0].tolist() == pytest.approx([1, 1, 0.5, 1 / 3, 1])
    assert fused.leader[0].tolist() == [1, 1, 1, 0, 1]
    assert fused.reliability[0].tolist() == [3, 3, 3, 1, 3]


def test_equals_that_contradict_drop_the_place_for_good():
    fused = fuse([labels((1,), (1,)), labels((2,), (1,)), labels((1,), (1,))], [2, 2, 1])
    assert sets_of(fused) == [None, (1,)]
    assert fused.weight[0].tolist() == pytest.approx([0, 2 / 3])
    assert fused.leader[0].tolist() == [-1, 0]
    assert fused.reliability[0].tolist() == [0, 2]


def test_two_weaker_contradictions_quarter_the_weight():
    fused = fuse([labels((1,)), labels((2,)), labels((3,))], [3, 2, 1])
    assert sets_of(fused) == [(1,)]
    assert fused.weight[0, 0] == pytest.approx(0.25)


def test_sets_stay_dense():
    fused = fuse([labels((1, 2), (1, 2)), labels((1,), (2,))], [3, 3])
    assert fused.sets == ((1,), (2,))


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="0 label rasters"):
        fuse([], [])
    with pytest.raises(InputError, match="differ in shape"):
        fuse([labels((1,)), labels((1,), (2,))], [1, 2])


SETS = st.one_of(st.none(), st.sets(st.integers(1, 5), min_size=1).map(lambda s: tuple(sorted(s))))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(1, 12))
def test_against_a_pixel_by_pixel_rule(data, sources, pixels):
    rows = [data.draw(st.lists(SETS, min_size=pixels, max_size=pixels)) for _ in range(sources)]
    trust = [data.draw(st.integers(1, 3)) for _ in range(sources)]
    fused = fuse([labels(*row) for row in rows], trust)
    for p in range(pixels):
        current, lead, factor, dropped = None, 0, 1.0, False
        for i in sorted(range(sources), key=lambda i: -trust[i]):
            value = rows[i][p]
            if value is None or dropped:
                continue
            if current is None:
                current, lead = set(value), trust[i]
            elif current & set(value):
                current &= set(value)
            elif lead == trust[i]:
                current, dropped = None, True
            else:
                factor /= 2
        expected = tuple(sorted(current)) if current else None
        assert sets_of(fused)[p] == expected
        weight = lead / 3 * factor if expected else 0
        assert fused.weight[0, p] == pytest.approx(weight)
