"""Monthly spectra of known ground in the real series beside the checkout.

Every loader gives reflectance by month: a table of pixels or points of shape (n, band) for each
month, bands in the order of `BANDS`, NaN where a band or a date is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.features import geometry_mask

from bocage.simulate._tables import BANDS

CLEAR = (4, 5, 6, 7)
"""Classes of Sen2Cor's scene classification that are clear ground; snow is left out."""

MISSING = 65535
MONTHS = 12

Table = NDArray[np.float64]
Monthly = dict[int, Table]


def flanders_croptype(data: Path, code: int) -> Monthly:
    """Pixels of a crop of the parcel register, Flanders 2018; edges of parcels taken off."""
    return _flanders(data, "reference_croptype.tif", code)


def flanders_cover(data: Path, code: int) -> Monthly:
    """Pixels of a land cover of the reference, Flanders 2018."""
    return _flanders(data, "reference_lc.tif", code, inner=False)


def _flanders(data: Path, name: str, code: int, inner: bool = True) -> Monthly:
    folder = data / "s2_flanders_2018"
    with rasterio.open(folder / name) as source:
        chosen = source.read(1) == code
    if inner:
        chosen = _eroded(chosen)
    found: dict[int, list[Table]] = {}
    for path in sorted(folder.glob("S2L2A_2018????.tif")):
        with rasterio.open(path) as source:
            values = _bands(source.read()[:, chosen].T, source.descriptions)
        with rasterio.open(path.with_name(f"{path.stem}_SCL.tif")) as source:
            clear = np.isin(source.read(1)[chosen], CLEAR)
        if clear.mean() < 0.5:
            continue
        values[~clear] = np.nan
        found.setdefault(int(path.stem[-4:-2]), []).append(values)
    return _medians(found)


def belgium_crop(data: Path, name: str) -> Monthly:
    """Pixels that a model of 2021 takes for a crop (the likeliest, at least 30 %)."""
    folder = data / "s2_belgium_monthly_2021"
    with rasterio.open(folder / "model_probabilities_2021.tif") as source:
        stem = "croptype_probability:tc-s1:"
        names = [d if d.startswith(stem) else "" for d in source.descriptions]
        crops = [i for i, n in enumerate(names) if n and not n.endswith("no_crop")]
        probability = source.read().astype(float)
        top = source.bounds.top
    probability[probability > 100] = 0
    best = np.argmax(probability[crops], axis=0)
    own = crops.index(names.index(stem + name))
    chosen = (probability[0] == 1) & (best == own) & (probability[crops[own]] >= 30)
    found: Monthly = {}
    for path in sorted(folder.glob("S2_monthly_*.tif")):
        with rasterio.open(path) as source:
            # The grid of the probabilities begins two rows further north.
            ahead = round((top - source.bounds.top) / source.res[1])
            raw, names_here = source.read(), source.descriptions
        mask = chosen[ahead : ahead + raw.shape[1]]
        values = _bands(raw[:, : mask.shape[0]][:, mask].T, names_here)
        if np.isfinite(values).any():
            found[int(path.stem[-2:])] = values
    return found


def flanders_trees(data: Path) -> Monthly:
    """Points that are no crop and trees in ESA WorldCover, Flanders 2020–2021."""
    frame = pd.read_parquet(data / "points_flanders_2021" / "points_months.parquet")
    frame = frame[(frame["LANDCOVER_LABEL"] == 99) & (frame["WORLDCOVER-LABEL-10m"] == 10)]
    start = pd.Timestamp(frame["start_date"].iloc[0]).month
    steps = sorted({int(m[1]) for c in frame if (m := re.search(r"-ts(\d+)-", str(c)))})
    found: dict[int, list[Table]] = {}
    for step in steps:
        columns = {
            m[1]: c for c in frame if (m := re.fullmatch(rf"OPTICAL-(B\w+)-ts{step}-\d+m", str(c)))
        }
        raw = frame[list(columns.values())].to_numpy(float)
        found.setdefault((start - 1 + step) % MONTHS + 1, []).append(_bands(raw, list(columns)))
    return _medians(found)


def corsica(data: Path, code: int) -> Monthly:
    """Parcels of a declared land use, Corsica 2021–2023."""
    frame = pd.read_parquet(data / "points_corsica_2022" / "points_months.parquet")
    frame = frame[frame["ewoc_code"] == code]
    names = [c.removeprefix("S2-L2A-") for c in frame if str(c).startswith("S2-L2A-")]
    found: dict[int, list[Table]] = {}
    for stamp, rows in frame.groupby("timestamp"):
        values = _bands(rows[[f"S2-L2A-{n}" for n in names]].to_numpy(float), names)
        found.setdefault(pd.Timestamp(str(stamp)).month, []).append(values)
    return {month: np.concatenate(tables) for month, tables in found.items()}


def boadella_wood(data: Path) -> Monthly:
    """Evergreen wood by rule: vegetation index above 0.75 in summer and 0.65 in winter."""
    return _boadella(data, lambda dry, wet, _: (_ndvi(dry) > 0.75) & (_ndvi(wet) > 0.65))


def boadella_scrub(data: Path) -> Monthly:
    """Scrub by rule: vegetation index 0.45 to 0.65 in summer and winter, dark in the green."""
    return _boadella(
        data,
        lambda dry, wet, _: (
            (np.abs(_ndvi(dry) - 0.55) < 0.1) & (np.abs(_ndvi(wet) - 0.55) < 0.1) & (dry[2] < 0.09)
        ),
    )


def boadella_water(data: Path) -> Monthly:
    """The reservoir: inside the drawn outlines of all five dates, 40 m from the shore."""
    return _boadella(data, lambda dry, wet, water: water)


def _boadella(data: Path, rule: Callable[[Table, Table, NDArray[np.bool_]], Table]) -> Monthly:
    folder = data / "s2_boadella_2020_2022"
    # Left out: two cloudy dates and a hazy one.
    days = ["20200128", "20200202", "20220308", "20220601", "20200621", "20210626", "20210716",
            "20210721", "20200914"]  # fmt: skip
    images = {}
    for day in days:
        with rasterio.open(folder / f"S2L2A_{day}.tif") as source:
            images[day] = source.read() / 10_000
            shape, transform, names = source.shape, source.transform, source.descriptions
    water = np.ones(shape, bool)
    for path in sorted(folder.glob("water_*.geojson")):
        if path.stem.endswith("20200113"):
            continue  # incomplete
        outline = shapely.union_all(gpd.read_file(path).geometry.to_numpy()).buffer(-0.0004)
        water &= geometry_mask([outline], shape, transform, invert=True)
    if not water.any():
        raise ValueError("the outlines of the reservoir have nothing in common")
    dry = np.median([images[d] for d in days[3:]], axis=0)
    wet = np.median([images[d] for d in days[:3]], axis=0)
    chosen = rule(dry, wet, water)
    order = names if all(names) else tuple(BANDS)
    found: dict[int, list[Table]] = {}
    for day, image in images.items():
        values = _bands(10_000 * image[:, chosen].T, order)
        found.setdefault(int(day[4:6]), []).append(values)
    return _medians(found)


def _ndvi(image: Table) -> Table:
    near, red = image[BANDS.index("B08")], image[BANDS.index("B04")]
    return (near - red) / np.maximum(near + red, 1e-6)


def _eroded(chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels all of whose four neighbours are chosen too."""
    inner = np.pad(chosen, 1)
    return chosen & inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]


def _bands(raw: NDArray[np.floating], names: list[str] | tuple[str, ...]) -> Table:
    """Values in the order of `BANDS` as reflectance; NaN for what is missing."""
    out = np.full((len(raw), len(BANDS)), np.nan)
    for i, band in enumerate(BANDS):
        if band in names:
            column = np.asarray(raw[:, list(names).index(band)], float)
            out[:, i] = np.where((column >= MISSING) | (column <= 0), np.nan, column / 10_000)
    return out


def _medians(found: dict[int, list[Table]]) -> Monthly:
    """Median of the dates of each month at every place."""
    out = {}
    for month, tables in sorted(found.items()):
        stack = np.stack(tables)
        seen = np.isfinite(stack).any(axis=0)
        values = np.full(stack.shape[1:], np.nan)
        values[seen] = np.nanmedian(stack[:, seen], axis=0)
        out[month] = values
    return out
