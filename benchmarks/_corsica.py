"""Declared parcels of Corsica with a year of real monthly bands and their terrain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer
from sklearn.cluster import KMeans

from bocage.grid import CRS

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "points_corsica_2022"
MISSING = 65535
GROUPS = 5
SHRUB = "2501000000"
"""Grassland with many trees or shrubs."""

_LEAST = 12


@dataclass(frozen=True, eq=False)
class Parcels:
    """Parcels with the mean series of 2022.

    Attributes
    ----------
    bands
        Names such as ``B04``.
    values
        float32 (parcel, month, band), reflectance, NaN where missing.
    terrain
        float32 (parcel, 2): slope and elevation.
    xy
        Metres, EPSG:3035, (parcel, 2).
    label
        Number of the class, (parcel,).
    names
        Declared codes of the classes.
    group
        Spatial group 0 … 4, (parcel,).
    """

    bands: tuple[str, ...]
    values: NDArray[np.float32]
    terrain: NDArray[np.float32]
    xy: NDArray[np.float64]
    label: NDArray[np.intp]
    names: tuple[str, ...]
    group: NDArray[np.int32]


def read_parcels(split: str = "clusters") -> Parcels:
    """Read them.

    Five groups of parcels: ``clusters`` on the ground, each a part of the island and of the
    ways to farm it, or ``strips`` from south to north with as many parcels each.

    Declared classes of fewer than 12 parcels are put together by the first two digits, and left
    out where there are still too few.
    """
    frame = pd.read_parquet(DATA / "points_months.parquet")
    frame = frame[frame["timestamp"].dt.year == 2022].sort_values(["sample_id", "timestamp"])
    columns = [c for c in frame if c.startswith("S2-L2A-") and (frame[c] < MISSING).any()]
    first = frame.groupby("sample_id", sort=False).first()
    values = frame[columns].astype(np.float32).where(frame[columns] < MISSING) / 10000
    cube = values.to_numpy(np.float32).reshape(len(first), -1, len(columns))
    code = _grouped(first["ewoc_code"].astype(str))
    seen = np.isfinite(cube).all(axis=2).any(axis=1)
    kept = seen & (code != "").to_numpy()
    label, names = pd.factorize(code[kept], sort=True)
    turn = Transformer.from_crs("EPSG:4326", CRS, always_xy=True)
    xy = np.column_stack(turn.transform(first["lon"], first["lat"]))[kept]
    return Parcels(
        bands=tuple(c.removeprefix("S2-L2A-") for c in columns),
        values=cube[kept],
        terrain=first.loc[kept, ["slope", "elevation"]].to_numpy(np.float32),
        xy=xy,
        label=label.astype(np.intp),
        names=tuple(str(n) for n in names),
        group=_groups(xy, split),
    )


def _groups(xy: NDArray[np.float64], split: str) -> NDArray[np.int32]:
    if split == "strips":
        rank = np.argsort(np.argsort(xy[:, 1], kind="stable"))
        return np.asarray(rank * GROUPS // len(xy), np.int32)
    found: NDArray[np.int32] = KMeans(GROUPS, n_init=4, random_state=0).fit(xy).labels_
    return found


def _grouped(code: pd.Series) -> pd.Series:
    """Codes that occur often enough, else their first two digits, else nothing."""
    for short in (code, code.str[:2]):
        few = code.map(code.value_counts()) < _LEAST
        code = code.where(~few, short)
    return code.where(code.map(code.value_counts()) >= _LEAST, "")
