import numpy as np

from bocage.legend import load_crosswalk
from bocage.simulate._clcplus import NO_CLASS, _confusions, clcplus
from bocage.simulate._domain import Seed
from bocage.simulate._faults import code_of, faults, mode


def test_it_is_as_right_as_the_manual_says(classes, legend, domain, seed):
    codes = clcplus(classes, legend, domain, seed)
    assert codes.shape == (domain.side // 10,) * 2
    assert codes.dtype == np.uint8
    walk = load_crosswalk("clcplus", legend)
    allowed = np.zeros((256, 256), bool)
    for value in np.unique(codes):
        for leaf in walk.to_legend(int(value)):
            allowed[value, legend.index(leaf)] = True
    right = allowed[codes, classes[2::4, 2::4]].mean()
    rates = faults("clcplus")
    # A small square is one draw of few patches.
    assert rates["accuracy_low"] - 0.02 < right < rates["accuracy_high"]


def test_shrubs_are_the_hardest(classes, legend, domain):
    table = np.full(256, NO_CLASS, np.uint8)
    for index, code in code_of("clcplus", legend).items():
        table[index] = code
    true = mode(table[classes], 4)
    hit, size = np.zeros(12), np.zeros(12)
    for number in range(4):
        codes = clcplus(classes, legend, domain, Seed(number, "continental"))
        for code in range(1, 12):
            size[code] += (true == code).sum()
            hit[code] += ((true == code) & (codes == code)).sum()
    share = hit / np.maximum(size, 1)
    assert share[5] < min(share[c] for c in (2, 3, 6, 7) if size[c] > 500)
    assert share[5] > 0.5


def test_confusions_are_other_classes():
    for code, (omitted, others, bounds) in _confusions().items():
        assert 0 < omitted < 0.4
        assert code not in others
        assert len(bounds) == len(others) - 1


def test_the_same_seed_gives_the_same_raster(classes, legend, domain, seed):
    first = clcplus(classes, legend, domain, seed)
    assert (first == clcplus(classes, legend, domain, seed)).all()
    assert (first != clcplus(classes, legend, domain, Seed(8, "continental"))).any()
