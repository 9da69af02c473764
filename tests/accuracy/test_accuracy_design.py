import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.accuracy import allocate, sample_size, sample_size_simple
from bocage.errors import InputError

# Olofsson et al. (2014), section 5.1 and table 5: deforestation, gain, stable forest, the rest.
PIXELS = {"loss": 200_000, "gain": 150_000, "forest": 3_200_000, "other": 6_450_000}
USERS = {"loss": 0.70, "gain": 0.60, "forest": 0.90, "other": 0.95}


def test_olofsson_2014_sample_size_and_allocations():
    """641 points; 160 each, or 13, 10, 205 and 413 in proportion, as in their table 5.

    Their allocations 1 to 3, which give the rare classes 100, 75 and 50 points, do not follow
    from the rule that the text states and are not compared.
    """
    assert sample_size(PIXELS, USERS, 0.01) == 641
    sizes = list(PIXELS.values())
    assert allocate(sizes, 641).tolist() == [13, 10, 205, 413]
    assert allocate(sizes, 640, "equal").tolist() == [160, 160, 160, 160]


def test_optimal_allocation_by_hand():
    # Sizes 100 and 400, S = 0.5 and 0.3: shares 50 to 120 of 170 points.
    assert allocate([100, 400], 170, "optimal", expected=[0.5, 0.9]).tolist() == [50, 120]
    assert allocate([100, 400], 30, "power").tolist() == [10, 20]


def test_optimal_allocation_has_the_smallest_error():
    sizes, spread = np.array([900, 90, 10]), np.array([0.3, 0.5, 0.4])

    def variance(shares):
        return (sizes**2 * spread**2 / shares).sum()

    expected = (1 - np.sqrt(1 - 4 * spread**2)) / 2
    best = variance(allocate(sizes, 200, "optimal", expected=expected))
    for other in ("proportional", "power"):
        assert best <= variance(allocate(sizes, 200, other))


def test_cochran():
    """Cochran (1977, chapter 4): p 0.5, d 0.05, t 2 gives 400; with 1.96 it is 384.1."""
    assert sample_size_simple(0.5, 0.05) == 385
    assert (
        sample_size_simple(0.5, 0.05, population=3200) == 344
    )  # 384.15 / (1 + 383.15 / 3200) = 343.07
    assert sample_size_simple(1.0, 0.05) == 1


def test_certain_classes_share_equally():
    assert allocate([50, 50], 10, "optimal", expected=1.0).tolist() == [5, 5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: allocate([5, 5], 4, "odd"), "no allocation 'odd'"),
        (lambda: allocate([5, 0], 4), "a stratum is empty"),
        (lambda: allocate([5, 5], 1), "1 points for 2 strata"),
        (lambda: allocate([5, 5], 4, expected=[0.5]), "1 expected accuracies for 2 strata"),
        (lambda: allocate([5, 5], 4, expected=1.5), "not within 0 … 1"),
        (lambda: sample_size({"a": 0}, 0.9, 0.01), "a stratum has no area"),
        (lambda: sample_size({"a": 1, "b": 1}, {"a": 0.9}, 0.01), "accuracy of the stratum b"),
        (lambda: sample_size({"a": 1}, 0.9, 0), "standard error is 0"),
        (lambda: sample_size_simple(2.0), "a share of 2"),
        (lambda: sample_size_simple(0.5, 1.5), "half width is 1.5"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 10_000), min_size=1, max_size=30),
    st.integers(1, 2_000),
    st.integers(0, 50),
    st.sampled_from(["proportional", "equal", "optimal", "power"]),
)
def test_allocation(sizes, n, minimum, method):
    n = max(n, len(sizes))
    shares = allocate(sizes, n, method, minimum=minimum)
    assert shares.sum() == min(n, sum(sizes))
    floor = max(1, min(minimum, n // len(sizes)))
    assert all(min(floor, s) <= k <= s for k, s in zip(shares, sizes, strict=True))
