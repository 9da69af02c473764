import csv
from importlib import resources

import numpy as np
import pytest

from bocage.errors import InputError
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._faults import (
    chance,
    code_of,
    faults,
    mislabelled,
    mode,
    patches,
    representatives,
    shifted,
)


def test_every_rate_has_a_unit_and_a_source():
    text = (resources.files("bocage.simulate") / "data" / "reference_errors.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert all(r["unit"] and len(r["source"]) > 8 for r in rows)
    shares = [float(r["value"]) for r in rows if r["unit"] == "share"]
    assert all(0 < s <= 1 for s in shares)
    assert faults("clc2018")["mmu"] == 25
    with pytest.raises(InputError, match="no faults are known of layer 'atlas'"):
        faults("atlas")


def test_codes_of_layers_follow_the_crosswalk_and_its_exceptions(legend):
    n2k, clc = code_of("n2k2018", legend), code_of("clc", legend)
    assert n2k[legend.index(2110)] == 2110
    assert n2k[legend.index(6312)] == n2k[legend.index(6311)]
    assert clc[legend.index(1110)] == 112
    assert clc[legend.index(3500)] == 0
    same = representatives(n2k)
    assert same[legend.index(6312)] == legend.index(6311)
    assert same[legend.index(2110)] == legend.index(2110)


def test_the_most_frequent_code_wins():
    codes = np.array([[1, 1, 2, 2], [1, 3, 2, 4]], np.uint8)
    assert mode(codes, 2).tolist() == [[1, 2]]
    blank = np.array([[9, 9, 9, 9], [9, 3, 9, 9]], np.uint8)
    assert mode(blank, 2, ignored=9).tolist() == [[3, 9]]


def test_large_blocks_are_counted_in_full():
    codes = np.ones((20, 20), np.uint8)
    codes[:7] = 2
    assert mode(codes, 20).tolist() == [[1]]


def test_borders_move_by_a_pixel_or_so():
    half = np.zeros((60, 60), np.uint8)
    half[:, 30:] = 1
    moved = shifted(half, 0.6, 24.0, 3)
    assert (moved != half).any()
    assert (moved[:, :26] == 0).all()
    assert (moved[:, 34:] == 1).all()


def test_a_patch_errs_as_one():
    domain = Domain.around((4640000, 2930000), 1)
    patch = patches(domain, 10, 95, Seed(1, "a"))
    assert patch.shape == (domain.count(10),) * 2
    assert patch.min() == 0
    size = np.bincount(patch.ravel()) * 100
    assert 0.5 * 95**2 < size.mean() < 2 * 95**2
    drawn = chance(patch, "x", seed=Seed(1, "a"))
    assert np.ptp(drawn[patch == 3]) == 0
    assert 0.4 < drawn.mean() < 0.6
    assert (chance(patch, "y", seed=Seed(1, "a")) != drawn).any()


def test_units_are_taken_for_similar_classes(legend):
    own = legend.index(3110)
    index = np.full(20_000, own)
    index[:200] = legend.index(3310)
    index[200:400] = legend.index(8410)
    area = np.full(index.size, 1e4)
    area[1000:2000] = 1e6
    rates = np.full(256, 0.1)
    result = mislabelled(index, area, rates, 1e5, legend, np.random.default_rng(0))
    assert (result != index).mean() == pytest.approx(0.095, abs=0.01)
    assert (result == index)[1000:2000].all()
    wrong = result[(index == own) & (result != own)]
    assert (wrong == legend.index(3310)).mean() > 0.8
