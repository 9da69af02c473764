from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bocage.model import ModelSettings, Pixels
from bocage.model._split import split_labels


def squares_of(pixels: Pixels, side: float) -> np.ndarray:
    """Number of the square of each pixel."""
    cells = np.stack([pixels.x, pixels.y], axis=1) // side
    return np.unique(cells, axis=0, return_inverse=True)[1].reshape(-1)


@pytest.mark.parametrize("side", [20.0, 33.0, 100.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_whole_squares_are_held_out(pixels: Pixels, side: float, seed: int) -> None:
    split = split_labels(pixels, ModelSettings(calibration_m=side, seed=seed))
    assert split.notes == ()
    assert np.array_equal(split.train | split.calibrate, pixels.labelled)
    assert not (split.train & split.calibrate).any()
    squares = squares_of(pixels, side)
    held, kept = (np.unique(squares[part]) for part in (split.calibrate, split.train))
    assert not set(held) & set(kept)
    assert len(held) == pytest.approx(0.2 * (len(held) + len(kept)), abs=0.5)


def test_about_a_fifth_of_the_labels_is_held_out(pixels: Pixels) -> None:
    for seed in range(10):
        split = split_labels(pixels, ModelSettings(calibration_m=20, seed=seed))
        share = split.calibrate.sum() / pixels.labelled.sum()
        assert 0.12 < share < 0.28


def test_the_split_depends_on_the_seed_alone(pixels: Pixels) -> None:
    one, two, other = (split_labels(pixels, ModelSettings(seed=s)).calibrate for s in (3, 3, 4))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    # Where the side is given, pixels without labels have no say.
    own, given = pixels.pick(pixels.labelled), ModelSettings(seed=3, calibration_m=50)
    whole = split_labels(pixels, given).calibrate
    assert np.array_equal(split_labels(own, given).calibrate, whole[: len(own)])


@pytest.mark.parametrize(("side", "squares"), [(200, 4), (1000, 1)])
def test_few_squares_are_noted(pixels: Pixels, side: float, squares: int) -> None:
    split = split_labels(pixels, ModelSettings(calibration_m=side))
    assert split.notes == (f"samples in {squares} squares only: nothing held out, not calibrated",)
    assert np.array_equal(split.train, pixels.labelled)
    assert not split.calibrate.any()


def test_ten_squares_are_enough(pixels: Pixels) -> None:
    ten = np.isin(squares_of(pixels, 100), [0, 1, 3, 4, 6, 7, 9, 12, 13, 15]) & pixels.labelled
    split = split_labels(pixels.pick(ten), ModelSettings(calibration_m=100))
    assert split.squares == 2
    assert len(np.unique(squares_of(pixels.pick(ten), 100)[split.calibrate])) == 2


def in_parcels(pixels: Pixels, same: bool) -> Pixels:
    """Labels in a hundred parcels of 100 m, each with a season of its own.

    The pixels without labels have the seasons of these parcels, or of others.
    """
    rng = np.random.default_rng(0)
    count, labels = len(pixels), int(pixels.labelled.sum())
    x, y = rng.uniform(0, 1000, (2, count))
    parcel = (10 * (y // 100) + x // 100).astype(int)
    if not same:
        parcel[labels:] += 100
    seasons = rng.uniform(0, 0.5, (200, *pixels.near.shape[1:]))
    near = seasons[parcel] + rng.normal(0, 0.01, pixels.near.shape)
    return replace(pixels, x=x, y=y, near=near.astype(np.float16))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_held_out_labels_are_as_foreign_as_the_map(pixels: Pixels, seed: int) -> None:
    known, foreign = (
        split_labels(in_parcels(pixels, same), ModelSettings(seed=seed)) for same in (True, False)
    )
    assert known.side_m < 100  # the rest of a parcel is among the labels that teach
    assert foreign.side_m >= 100
    assert not known.beyond
    assert known.notes == foreign.notes == ()


def beside(pixels: Pixels, metres: float) -> Pixels:
    """A label every 5 m along 2 km; pixels without labels so far beside that line."""
    x = 5.0 * (np.arange(len(pixels)) % 400) + 1
    return replace(pixels, x=x, y=np.where(pixels.labelled, 10.0, 10.0 + metres))


def test_a_map_beyond_all_squares_is_noted(pixels: Pixels) -> None:
    split = split_labels(beside(pixels, 900), ModelSettings())
    assert split.beyond
    assert split.side_m == 200  # 400 m leave five squares
    assert "lies 900 m or more from any label" in split.notes[0]
    assert not split_labels(beside(pixels, 90), ModelSettings()).beyond


def test_without_a_map_the_squares_are_usual_ones(pixels: Pixels) -> None:
    line = beside(pixels, 900)
    assert split_labels(line.pick(line.labelled), ModelSettings()).side_m == 100


def test_squares_are_counted(pixels: Pixels) -> None:
    split = split_labels(beside(pixels, 90), ModelSettings(calibration_m=100))
    assert split.squares == 4  # a fifth of twenty
    assert split.record == {"squares": 4, "side_m": 100}
    assert np.array_equal(np.unique(split.square), np.arange(4))
    assert len(split.square) == split.calibrate.sum()
