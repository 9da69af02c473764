"""A tiny landscape that a model can learn: two covers and a thin line."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import xarray as xr
from odc.geo.xr import xr_coords

from bocage.grid import geobox
from bocage.legend import Legend, LegendClass
from bocage.model import ModelSettings

BANDS = ("B02", "B03", "B04", "B08", "B11")
METRES = (10, 10, 10, 10, 20)
MONTHS = (3, 5, 7, 9)
WEST, SOUTH = 4_000_000, 3_000_000


def make_legend(id: str = "tiny") -> Legend:
    codes = ((1, 11), (1, 12), (2, 21), (2, 22))
    return Legend(id, tuple(LegendClass(c, tuple(str(v) for v in c), "#000000") for c in codes))


def make_truth(side: int, seed: int) -> np.ndarray:
    """Class index at 2.5 m: 1 and 2 in halves, 3 a line three pixels wide; 4 never occurs."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    wave = 6 * np.sin(x / 17 + rng.uniform(0, 6))
    truth = np.where(y + wave > side / 2, 1, 2)
    for offset in range(12, side, 40):
        at = offset + np.rint(x * 0.2).astype(int)
        truth[(y >= at) & (y < at + 3)] = 3
    return truth


def make_series(truth: np.ndarray, seed: int = 0, noise: float = 0.06) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    level = np.random.default_rng(7).uniform(0.05, 0.5, (3, len(MONTHS), len(BANDS)))
    clean = level[truth - 1].transpose(2, 3, 0, 1)
    data = (clean + rng.normal(0, noise, clean.shape)).astype(np.float32)
    height, width = truth.shape
    gap = np.zeros((len(MONTHS), height, width), np.uint8)
    gap[1, : height // 4 // 4 * 4, :] = 1
    box = geobox((WEST, SOUTH, WEST + 2.5 * width, SOUTH + 2.5 * height), 2.5)
    return xr.Dataset(
        {
            "reflectance": (("month", "band", "y", "x"), data),
            "valid": (("month", "y", "x"), (gap == 0).astype(np.uint8)),
            "gap": (("month", "y", "x"), gap),
        },
        coords={
            **xr_coords(box),
            "month": np.asarray(MONTHS, np.int64),
            "band": list(BANDS),
            "resolution": ("band", np.asarray(METRES, np.int64)),
        },
        attrs={"year": 2021},
    )


def make_samples(
    truth: np.ndarray, series: xr.Dataset, count: int = 400, seed: int = 0
) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    legend = make_legend()
    row, column = rng.integers(0, truth.shape[0], count), rng.integers(0, truth.shape[1], count)
    codes = np.array(legend.codes())[truth[row, column] - 1]
    return gpd.GeoDataFrame(
        {
            "sample_id": [f"s{i:04d}" for i in range(count)],
            "cube": [f"c{i:04d}" for i in range(count)],
            "code": codes,
            "allowed": [str(c) for c in codes],
            "weight": np.ones(count),
            "source": "truth",
            "reliability": 3,
            "region": "continental",
            "fold": (column * 5 // truth.shape[1]).astype(int),
            "block": "b",
        },
        geometry=gpd.points_from_xy(series["x"].values[column], series["y"].values[row]),
        crs="EPSG:3035",
    )


SETTINGS = ModelSettings(epochs=12, width=16, member_width=16, batch=32, learning_rate=1e-2)
