import numpy as np
import pytest

from bocage.simulate._domain import Domain, Seed
from bocage.simulate._separability import (
    LEAST,
    MOST,
    PURE,
    choose_probes,
    fill_months,
    monthly_medians,
    separability,
)


def test_probes_lie_in_steady_pure_land_of_their_class():
    domain = Domain((4_640_000, 2_930_000), 500, 480)
    size = domain.count(2.5)
    first = np.ones((size, size), np.uint8)
    first[:, : size // 2] = 2
    first[100, :] = 3
    later = first.copy()
    later[: size // 2] = 4
    inside = np.ones(first.shape, bool)
    inside[:, -50:] = False
    probes = choose_probes({2021: first, 2024: later}, inside, domain, Seed(1, "x"))
    assert probes["class"].value_counts().to_dict() == {1: MOST, 2: MOST}
    rows = (probes["y"] / 2.5).astype(int).to_numpy()
    columns = (probes["x"] / 2.5).astype(int).to_numpy()
    assert (first[rows, columns] == probes["class"]).all()
    assert (later[rows, columns] == probes["class"]).all()
    assert inside[rows, columns].all()
    assert (np.abs(columns - size / 2) >= PURE // 2 - 1).all()
    again = choose_probes({2021: first, 2024: later}, inside, domain, Seed(1, "x"))
    assert probes.equals(again)


def test_narrow_classes_have_probes_too():
    domain = Domain((4_640_000, 2_930_000), 500, 480)
    first = np.ones((domain.count(2.5),) * 2, np.uint8)
    first[100:102] = 3
    probes = choose_probes({2021: first}, np.ones(first.shape, bool), domain, Seed(1, "x"))
    assert (probes["class"] == 3).sum() == MOST


def test_months_are_medians_of_clear_dates():
    values = np.array([[1.0, np.nan], [3.0, 5.0], [2.0, np.nan]], np.float32)[..., None]
    monthly = monthly_medians(values, ["2021-03-01", "2021-03-11", "2021-03-21"])
    assert monthly.shape == (12, 2, 1)
    assert monthly[2, :, 0].tolist() == [2.0, 5.0]
    # One month alone fills the whole year.
    assert monthly[8, :, 0].tolist() == [2.0, 5.0]


def test_gaps_are_filled_around_the_new_year():
    monthly = np.full((12, 2), np.nan, np.float32)
    monthly[10, 0], monthly[2, 0] = 0.0, 4.0
    filled = fill_months(monthly)
    assert filled[:, 0].tolist() == pytest.approx(
        [2.0, 3.0, 4.0, 3.5, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.0, 1.0]
    )
    assert np.isnan(filled[:, 1]).all()


def test_distance_grows_with_the_difference_and_stays_below_two():
    rng = np.random.default_rng(0)
    labels = np.repeat([3, 5, 9], 80)
    features = rng.normal(0, 1, (240, 10)).astype(np.float32)
    features[labels == 5] += 0.3
    features[labels == 9] += 8
    values, distance = separability(features, labels)
    assert values.tolist() == [3, 5, 9]
    assert np.allclose(distance, distance.T)
    assert not np.diag(distance).any()
    assert 0 < distance[0, 1] < 1 < distance[0, 2] <= 2
    assert distance[0, 2] > 1.95


def test_alike_classes_are_close_to_nought():
    rng = np.random.default_rng(1)
    features = rng.normal(0, 1, (600, 8)).astype(np.float32)
    _, distance = separability(features, np.repeat([1, 2], 300))
    assert distance[0, 1] < 0.1


def test_classes_with_few_places_are_left_out():
    rng = np.random.default_rng(2)
    labels = np.array([1] * 30 + [2] * (LEAST - 1) + [4] * LEAST)
    values, distance = separability(rng.normal(0, 1, (labels.size, 7)).astype(np.float32), labels)
    assert values.tolist() == [1, 4]
    assert distance.shape == (2, 2)
