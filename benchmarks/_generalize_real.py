"""A real N2K map as ground truth, and what a classifier might have made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks._virtual import OLD_CODES
from bocage.legend import Legend, load_crosswalk

Codes = NDArray[np.uint16]
Floats = NDArray[np.float32]

MAP = Path("clms_n2k_cz") / "n2k_cz_cluster0_maes4_2012_2m5.tif"
WOBBLE_PX, WOBBLE_GRAIN = 1.2, 3.0
"""Standard deviation of the shift of borders, and length over which it changes, pixels."""
CLUMPS = ((0.06, 3.0), (0.07, 9.0))
"""Share of wrong clumps and the length over which they change, pixels."""
SALT = 0.06
"""Share of single wrong pixels."""
GUESSES = 16
"""Classes that each class may be taken for, drawn once per map."""


def make_real(root: Path, folder: Path, legend: Legend, seed: int) -> None:
    """Write ``truth.tif`` and ``raw.tif`` of the N2K map in a folder."""
    with rasterio.open(root / MAP) as source:
        truth = _leaves(source.read(1), legend)
        profile = {**source.profile, "dtype": "uint16", "nodata": 0, "driver": "GTiff"}
    for name, codes in (("truth", truth), ("raw", blur(truth, legend, seed))):
        with rasterio.open(folder / f"{name}.tif", "w", **profile) as target:
            target.write(codes, 1)


def _leaves(codes: Codes, legend: Legend) -> Codes:
    """Leaf codes of the legend for those of N2K, by the crosswalk; 0 is outside."""
    crosswalk = load_crosswalk("n2k2018", legend)
    values, inverse = np.unique(codes, return_inverse=True)
    table = []
    for value in (int(v) for v in values):
        turned = OLD_CODES.get(value, value)
        table.append(crosswalk.to_legend(turned)[0] if turned else 0)
    return np.array(table, np.uint16)[inverse].reshape(codes.shape)


def blur(truth: Codes, legend: Legend, seed: int) -> Codes:
    """A map with the faults of a classifier that is right for about four pixels of five.

    Borders wobble, clumps and single pixels are taken for a class that is alike or common.

    Parameters
    ----------
    truth
        Leaf codes, shape (y, x), 0 outside.
    legend
        Says which classes are alike.
    seed
        Equal seeds give equal maps.
    """
    rng = np.random.default_rng(seed)
    shift = [WOBBLE_PX * _field(truth.shape, WOBBLE_GRAIN, rng) for _ in range(2)]
    places = [
        np.clip(np.rint(grid + move), 0, size - 1).astype(np.int64)
        for grid, move, size in zip(np.indices(truth.shape), shift, truth.shape, strict=True)
    ]
    found = truth[places[0], places[1]]
    # Nothing comes in from outside.
    found = np.where(found == 0, truth, found)
    for share, grain in CLUMPS:
        field = _field(truth.shape, grain, rng)
        clumps, _ = ndimage.label(field > np.quantile(field, 1 - share))
        found = _confused(found, clumps, legend, rng)
    single = np.where(rng.random(truth.shape) < SALT, rng.integers(1, 1000, truth.shape), 0)
    found = _confused(found, single, legend, rng)
    return np.where(truth == 0, 0, found).astype(np.uint16)


def _field(shape: tuple[int, ...], grain: float, rng: np.random.Generator) -> Floats:
    """A smooth random field of mean 0 and standard deviation 1."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), grain)
    normed: Floats = (field - field.mean()) / field.std()
    return normed


def _confused(
    codes: Codes, clumps: NDArray[np.integer], legend: Legend, rng: np.random.Generator
) -> Codes:
    """The map in which each class of a clump, numbered from 1, is another class; 0 stays."""
    indices = legend.encode(codes)
    count = np.bincount(indices.ravel(), minlength=len(legend) + 1)[1:]
    common = np.sqrt(count / max(count.sum(), 1))
    # Lines are thin: nothing of the shape of a clump is taken for one.
    common[[legend.index(code) - 1 for code in legend.flagged("linear")]] = 0
    guesses = np.zeros((256, GUESSES), np.int64)
    for index in np.flatnonzero(count):
        weight = common * (0.1 + legend.similarity[index])
        weight[index] = 0
        guesses[index + 1] = rng.choice(len(weight), GUESSES, p=weight / weight.sum()) + 1
    wrong = guesses[indices, clumps % GUESSES]
    return np.where(clumps > 0, legend.code_table()[wrong], codes).astype(np.uint16)
