import math

import numpy as np
import pytest

from bocage.accuracy import reliability
from bocage.errors import InputError


def test_hand_checked_bins():
    ece, table = reliability([95, 95, 95, 95, 50, 100], [1, 1, 1, 0, 0, 1])
    # Bin 90-100: mean confidence 96, accuracy 80; bin 50-60: 50 against 0.
    assert table["low"].tolist() == [50, 90]
    assert table["n"].tolist() == [1, 5]
    assert table["confidence"].tolist() == pytest.approx([50, 96])
    assert table["accuracy"].tolist() == pytest.approx([0, 80])
    assert ece == pytest.approx((1 * 0.50 + 5 * 0.16) / 6)


def test_calibrated_confidence_has_a_small_error():
    rng = np.random.default_rng(0)
    confidence = rng.integers(0, 101, 20_000)
    right = rng.random(20_000) < confidence / 100
    ece, table = reliability(confidence, right)
    assert ece < 0.02
    assert table["n"].sum() == 20_000


def test_nodata_is_left_out():
    ece, table = reliability(np.array([255, 255], dtype=np.uint8), [True, False])
    assert math.isnan(ece)
    assert table.empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [True]), "2 confidences for 1 judgements"),
        (([101], [True]), "not within 0"),
        (([50], [True], 0), "0 bins"),
    ],
)
def test_wrong_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        reliability(*arguments)
