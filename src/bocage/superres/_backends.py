"""What a super-resolution backend is, and where they are found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bocage.errors import ConfigError
from bocage.files import existing, sha256
from bocage.superres._bicubic import Bicubic
from bocage.superres._fine10 import Fine10
from bocage.superres._lmmse import Lmmse
from bocage.superres._mamba import NAME as MAMBA
from bocage.superres._mamba import OpenSrMamba, weights_file
from bocage.superres._onnx import PREFIX, OnnxBackend, read_description
from bocage.superres._sen2sr import PREFIX as SEN2SR
from bocage.superres._sen2sr import Sen2Sr, tensor_files
from bocage.superres._shared import SharedDetail

_DATA = Path(__file__).parent / "data"

GROUP = "bocage.superres"
"""Entry point group in which other packages offer backends."""

DEFAULT = "fine10"
"""What the backend name ``default`` means in this version."""


@runtime_checkable
class SuperResolver(Protocol):
    """Something that makes 2.5 m out of 10 m.

    Attributes
    ----------
    name
        Name in the registry; it is kept with the data.

    A backend may have more attributes: ``consistency``, ``psf`` when its result is to be
    made to agree with the source through the point spread of each band (``mean``, the default:
    over blocks of 4 × 4 pixels), and ``note(bands)``, a sentence on what it does with such
    bands that a user should know, or an empty one; ``for_series(mean, bands)``, which gives the
    backend to use on the images of a series with this mean; ``any_unit``, True when its result
    has the unit of its source, whichever that is (else it is given reflectance); ``trained_mtf``,
    the least and the highest modulation transfer that it was trained for.
    """

    @property
    def name(self) -> str:
        """Name of the backend."""

    def upscale(self, image: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
        """Super-resolve one image.

        Parameters
        ----------
        image
            float32 (band, y, x) reflectance at 10 m; nodata has been filled from nearest pixels.
        bands
            Names of the bands, such as ``("B02", "B03")``.

        Returns
        -------
        numpy.ndarray
            float32 (band, 4 y, 4 x), with a value wherever the source has one. It need not be
            consistent with the source: that is done after it.
        """


BACKENDS: dict[str, Callable[[], SuperResolver]] = {
    "bicubic": Bicubic,
    "fine10": Fine10,
    "lmmse": Lmmse,
    "shared_detail": SharedDetail,
}
"""Backends of this package: name → factory."""


def get_backend(name: str = "default") -> SuperResolver:
    """The backend of a name.

    Parameters
    ----------
    name
        A key of `BACKENDS`, ``default``, ``onnx:`` followed by the path of a YAML file that
        describes a network, ``sen2sr:`` followed by a folder with the published tensors of
        SEN2SRLite, ``opensr-mamba`` where that package is installed, or the name of an entry
        point in the group ``bocage.superres`` (a factory without arguments).

    Raises
    ------
    ConfigError
        If there is none of that name (the message lists what there is), or what it needs is
        not installed.
    """
    wanted = DEFAULT if name == "default" else name
    if wanted.startswith(PREFIX):
        return OnnxBackend(wanted.removeprefix(PREFIX))
    if wanted.startswith(SEN2SR):
        return Sen2Sr(wanted.removeprefix(SEN2SR))
    if wanted == MAMBA:
        return OpenSrMamba()
    if wanted in BACKENDS:
        return BACKENDS[wanted]()
    plugins = entry_points(group=GROUP)
    if wanted in plugins.names:
        backend = plugins[wanted].load()()
        if not isinstance(backend, SuperResolver):
            raise ConfigError(
                f"the entry point {wanted} of {GROUP} gives no super-resolution backend",
                remedy="it must be a factory of objects with name and upscale(image, bands)",
            )
        return backend
    names = [
        *sorted({"default", *BACKENDS, *plugins.names}),
        f"{PREFIX}FILE.yaml",
        f"{SEN2SR}FOLDER",
        MAMBA,
    ]
    raise ConfigError(
        f"superres.backend: there is no backend '{name}'", remedy=f"use one of: {', '.join(names)}"
    )


def fingerprint(name: str = "default") -> str:
    """What a result depends on beside its input: the backend and the bytes of its numbers.

    Parameters
    ----------
    name
        As for `get_backend`.

    Returns
    -------
    str
        Hexadecimal SHA-256; another one when weights, filters or tables are others.
    """
    wanted = DEFAULT if name == "default" else name
    files = [f for f in _DATA.iterdir() if f.suffix in (".csv", ".npz", ".onnx")]
    if wanted.startswith(PREFIX):
        described = existing(wanted.removeprefix(PREFIX), "superres.backend")
        model = described.parent / read_description(described).model
        files += [described, existing(model, "superres.backend")]
    if wanted.startswith(SEN2SR):
        files += tensor_files(Path(wanted.removeprefix(SEN2SR))).values()
    if wanted == MAMBA:
        files.append(weights_file())
    parts = [wanted, *(sha256(f) for f in sorted(files))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
