"""What others would do with the same samples: per-pixel Random Forest and LightGBM."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bocage.errors import ConfigError, InputError
from bocage.model._features import fill_months
from bocage.model._series import band_names, month_numbers, select
from bocage.rasters import geobox_of

BASELINES = ("random_forest", "lightgbm")
"""Names that `fit_predict` knows."""


def pixel_features(mosaic: xr.Dataset, points: gpd.GeoDataFrame) -> pd.DataFrame:
    """Monthly bands of the pixels under points, gaps filled by straight lines in time.

    Parameters
    ----------
    mosaic
        Mosaic at 10 m or series at 2.5 m.
    points
        Points in the CRS of the mosaic.

    Returns
    -------
    pandas.DataFrame
        float32, index of `points`, columns such as ``B04_06``; NaN where nothing was seen.

    Raises
    ------
    InputError
        If the CRS differs or a point lies outside.
    """
    box = geobox_of(mosaic["reflectance"], "the mosaic")
    if points.crs is None or points.crs != str(box.crs):
        raise InputError(
            f"the points have the CRS {points.crs}, the mosaic {box.crs}",
            remedy="reproject the points",
        )
    column, row = ~box.affine @ (points.geometry.x.to_numpy(), points.geometry.y.to_numpy())
    row, column = (np.floor(np.asarray(v)).astype(np.int64) for v in (row, column))
    outside = (row < 0) | (row >= box.shape.y) | (column < 0) | (column >= box.shape.x)
    if outside.any():
        raise InputError(
            f"{int(outside.sum())} points lie outside the mosaic",
            remedy="leave them out, or read a larger mosaic",
        )
    bands, months = band_names(mosaic)[0], month_numbers(mosaic)
    reflectance, gap = select(mosaic, bands, months)
    at = {"y": xr.DataArray(row, dims="point"), "x": xr.DataArray(column, dims="point")}
    values = reflectance.isel(at).values.astype(np.float32)
    seen = (gap.isel(at).values == 0) & np.isfinite(values).all(axis=1)
    filled = fill_months(values, seen)
    names = [f"{band}_{month:02d}" for month in months for band in bands]
    return pd.DataFrame(filled.reshape(len(names), -1).T, columns=names, index=points.index)


def fit_predict(
    name: str,
    features: NDArray[np.float32],
    codes: NDArray[np.integer],
    weight: NDArray[np.floating] | None,
    test_features: NDArray[np.float32],
    seed: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Train a baseline and classify test features with it.

    Parameters
    ----------
    name
        One of `BASELINES`.
    features, codes, weight
        Training features (n, feature), class codes (n,) and weights (n,) or None.
    test_features
        (m, feature).
    seed
        Of the random steps.

    Returns
    -------
    predicted
        int64 (m,), codes.
    probability
        float64 (m, class).
    classes
        int64 (class,), codes of the columns of `probability`, rising.

    Raises
    ------
    ConfigError
        If there is no such baseline or LightGBM is not installed.
    """
    model = _baseline(name, seed)
    model.fit(features, codes, sample_weight=weight)
    probability: NDArray[np.float64] = np.asarray(model.predict_proba(test_features), np.float64)
    classes = np.asarray(model.classes_, np.int64)
    return classes[probability.argmax(axis=1)], probability, classes


def _baseline(name: str, seed: int) -> Any:
    if name == "random_forest":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(300, random_state=seed, n_jobs=1)
    if name != "lightgbm":
        raise ConfigError(f"there is no baseline '{name}'", remedy=f"use {' or '.join(BASELINES)}")
    if find_spec("lightgbm") is None:
        raise ConfigError(
            "the baseline lightgbm is not installed",
            remedy="pip install -c constraints.txt 'bocage[compare]'",
        )
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=150,
        learning_rate=0.08,
        num_leaves=31,
        min_child_samples=10,
        feature_fraction=0.5,
        random_state=seed,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )
