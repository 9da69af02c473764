"""The series at 2.5 m of a block and year: what it is made of, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from bocage.cubes import load_dataset
from bocage.grid import Block
from bocage.superres import fingerprint, superresolve
from bocage.workflow._plan import Plan
from bocage.workflow._project import SuperresConfig
from bocage.workflow.rooms.imagery import frames_file, mosaic_file


def series_files(plan: Plan, year: int, block: Block) -> tuple[Path, ...]:
    """The mosaic, and the dates behind it where they are super-resolved one by one."""
    mosaic = mosaic_file(plan, year, block)
    return (mosaic, frames_file(mosaic)) if plan.project.superres.frames else (mosaic,)


def series_settings(plan: Plan) -> dict[str, Any]:
    """What a series depends on beside its files."""
    config = plan.project.superres
    return {"backend": fingerprint(config.backend), "psf_mtf": config.psf_mtf}


def make_series(files: tuple[Path, ...], config: SuperresConfig) -> xr.Dataset:
    """Super-resolve the mosaic of a block with its halo."""
    mosaic, *frames = (load_dataset(path) for path in files)
    dates = frames[0] if frames else None
    return superresolve(mosaic, config.backend, psf_mtf=config.psf_mtf, frames=dates)
