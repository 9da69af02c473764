from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from model_landscape import SETTINGS, make_legend, make_samples, make_series, make_truth

from bocage.legend import Legend
from bocage.model import Chips, FieldModel, cut_chips, train


@pytest.fixture(scope="session")
def legend() -> Legend:
    return make_legend()


@pytest.fixture(scope="session")
def truth() -> np.ndarray:
    return make_truth(160, 1)


@pytest.fixture(scope="session")
def series(truth: np.ndarray) -> xr.Dataset:
    return make_series(truth)


@pytest.fixture(scope="session")
def chips(truth: np.ndarray, series: xr.Dataset, legend: Legend) -> Chips:
    return cut_chips(series, make_samples(truth, series), legend, chip_px=16)


@pytest.fixture(scope="session")
def model(chips: Chips, legend: Legend) -> FieldModel:
    trained = train(chips, legend, SETTINGS)
    assert isinstance(trained, FieldModel)
    return trained
