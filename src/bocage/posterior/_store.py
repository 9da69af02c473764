"""Posteriors as NetCDF files."""

from __future__ import annotations

from pathlib import Path

from bocage.cubes import load_dataset, save_dataset
from bocage.errors import InputError
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
    return save_dataset(posterior.data, path)


def load(path: Path | str) -> Posterior:
    """Read a posterior that `save` has written.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or holds something else.
    """
    data = load_dataset(path)
    try:
        return Posterior(data)
    except InputError as error:
        raise InputError(f"{path}: {error.message}", remedy=error.remedy) from error
