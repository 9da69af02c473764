"""Arrays and pixels as npz files: no code in them, the same bytes for the same values."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.files import atomic_path, existing
from bocage.model._pixels import Pixels

_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_arrays(
    path: Path | str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
) -> Path:
    """Write named arrays and JSON-able facts as one npz file, atomically."""
    with atomic_path(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(facts, sort_keys=True, indent=1).encode()
        archive.writestr(zipfile.ZipInfo("facts.json", _EPOCH), text, zipfile.ZIP_DEFLATED)
        for name, array in sorted(arrays.items()):
            # Stored as it is: noisy pixels hardly shrink, and packing them took half of the room.
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            with archive.open(entry, "w", force_zip64=True) as handle:
                np.lib.format.write_array(handle, np.asarray(array), allow_pickle=False)
    return Path(path)


def read_arrays(path: Path | str, what: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what `write_arrays` wrote; nothing in the file is executed.

    Raises
    ------
    InputError
        If the file is missing, cut short or something else.
    """
    path = existing(path, what)
    try:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read("facts.json"))
            arrays = {}
            for name in archive.namelist():
                if name.endswith(".npy"):
                    with archive.open(name) as handle:
                        arrays[name[:-4]] = np.lib.format.read_array(handle, allow_pickle=False)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} cannot be read as {what}: {error}",
            remedy="the file is cut short or something else; make it again",
        ) from error
    return arrays, facts


def save_pixels(pixels: Pixels, path: Path | str) -> Path:
    """Write pixels as an npz file, the same bytes for the same values.

    Parameters
    ----------
    pixels
        The pixels.
    path
        The file; it appears whole or not at all.
    """
    values = {field.name: getattr(pixels, field.name) for field in fields(Pixels)}
    arrays = {name: v for name, v in values.items() if isinstance(v, np.ndarray)}
    return write_arrays(path, arrays, {n: v for n, v in values.items() if n not in arrays})


def load_pixels(path: Path | str) -> Pixels:
    """Read pixels that `save_pixels` has written.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or holds something else.
    """
    arrays, facts = read_arrays(path, "pixels")
    tuples: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in facts.items()}
    try:
        return Pixels(**{**tuples, **arrays})
    except TypeError as error:
        raise InputError(f"{path} holds no pixels: {error}", remedy="read them again") from error
