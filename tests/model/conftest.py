from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from model_landscape import SETTINGS, make_legend, make_samples, make_series, make_truth

from bocage.legend import Legend
from bocage.model import FieldModel, Pixels, read_pixels, train


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
def pixels(truth: np.ndarray, series: xr.Dataset, legend: Legend) -> Pixels:
    return read_pixels(series, make_samples(truth, series), legend, unlabelled=2000)


@pytest.fixture(scope="session")
def model(pixels: Pixels, legend: Legend) -> FieldModel:
    trained = train(pixels, legend, SETTINGS)
    assert isinstance(trained, FieldModel)
    return trained


@pytest.fixture
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the export, which takes longer than such a small training."""
    monkeypatch.setattr("bocage.model._train.export_graph", lambda net: b"")
    monkeypatch.setattr("bocage.model._train_pixel.export_pixel_graph", lambda net: b"")
