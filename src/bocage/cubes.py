"""Datasets on disk: NetCDF files that appear whole and whose bytes depend on their content only."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import odc.geo.xr  # noqa: F401  registers the accessor that finds the pixel grid
import xarray as xr

from bocage.errors import InputError
from bocage.files import atomic_path, existing


def save_dataset(data: xr.Dataset, path: Path | str) -> Path:
    """Write a dataset with its pixel grid as compressed NetCDF and return the path.

    Parameters
    ----------
    data
        Dataset whose coordinates are those of `bocage.rasters.wrap`.
    path
        The file; it appears whole or not at all.
    """
    # No fill value: missing numbers are NaN and say so themselves.
    encoding: dict[Hashable, dict[str, Any]] = {
        name: {"_FillValue": None} for name, values in data.variables.items() if values.ndim
    }
    for name, values in data.data_vars.items():
        if values.ndim >= 2:
            encoding[name] |= {"zlib": True, "complevel": 4, "chunksizes": _chunks(values)}
    with atomic_path(path) as part:
        # What the data were read with must not decide how they are written.
        data.drop_encoding().to_netcdf(part, engine="h5netcdf", encoding=encoding)
    return Path(path)


def _chunks(values: xr.DataArray) -> tuple[int, ...]:
    # A chunk per layer of at most 512 x 512 pixels: layers are read one by one.
    return (*(1 for _ in values.shape[:-2]), *(min(n, 512) for n in values.shape[-2:]))


def load_dataset(path: Path | str) -> xr.Dataset:
    """Read a dataset that `save_dataset` wrote, all of it, with the dtypes it was written in.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    with _opened(path) as data:
        return data.load()


def load_array(path: Path | str, name: str, **labels: Any) -> xr.DataArray:
    """Read one variable of a dataset where its coordinates have some labels, and nothing else.

    Errors as in `load_dataset`.
    """
    with _opened(path) as data:
        return data[name].sel(labels).load()


@contextmanager
def _opened(path: Path | str) -> Iterator[xr.Dataset]:
    path = existing(path, "dataset")
    try:
        with xr.open_dataset(path, engine="h5netcdf", mask_and_scale=False) as data:
            yield data
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as NetCDF: {error}",
            remedy="delete it and run the same command again",
        ) from error
