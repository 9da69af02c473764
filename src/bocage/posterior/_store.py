"""Posteriors as NetCDF files."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from bocage.errors import InputError
from bocage.files import atomic_path, existing
from bocage.posterior._posterior import Posterior


def save(posterior: Posterior, path: Path | str) -> Path:
    """Write a posterior as a compressed NetCDF file, the same bytes for the same values.

    Parameters
    ----------
    posterior
        The posterior.
    path
        The file; it appears whole or not at all.
    """
    data = posterior.data
    sides = (1, min(512, data.sizes["y"]), min(512, data.sizes["x"]))
    packing = {"zlib": True, "complevel": 4, "shuffle": False, "chunksizes": sides}
    with atomic_path(path) as part:
        data.drop_encoding().to_netcdf(
            part,
            engine="h5netcdf",
            format="NETCDF4",
            encoding={
                name: {**packing, "grid_mapping": "spatial_ref"}
                if "spatial_ref" in data.coords
                else packing
                for name in ("index", "probability")
            },
        )
    return Path(path)


def load(path: Path | str) -> Posterior:
    """Read a posterior that `save` has written.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or holds something else.
    """
    path = existing(path, "posterior")
    try:
        data = xr.load_dataset(path, engine="h5netcdf", decode_coords="all")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read as a posterior: {error}",
            remedy="the file is cut short or something else; predict the block again",
        ) from error
    try:
        return Posterior(data)
    except InputError as error:
        raise InputError(f"{path}: {error.message}", remedy=error.remedy) from error
