"""What a super-resolution backend is, and where they are found."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bocage.errors import ConfigError
from bocage.superres._bicubic import Bicubic

GROUP = "bocage.superres"
"""Entry point group in which other packages offer backends."""

DEFAULT = "bicubic"
"""What the backend name ``default`` means in this version."""


@runtime_checkable
class SuperResolver(Protocol):
    """Something that makes 2.5 m out of 10 m.

    Attributes
    ----------
    name
        Name in the registry; it is kept with the data.
    """

    @property
    def name(self) -> str:
        """Name of the backend."""

    def upscale(self, image: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
        """Super-resolve one image.

        Parameters
        ----------
        image
            float32 (band, y, x) reflectance at 10 m, NaN where there is nothing.
        bands
            Names of the bands, such as ``("B02", "B03")``.

        Returns
        -------
        numpy.ndarray
            float32 (band, 4 y, 4 x), with a value wherever the source has one. It need not be
            consistent with the source: that is done after it.
        """


BACKENDS: dict[str, Callable[[], SuperResolver]] = {"bicubic": Bicubic}
"""Backends of this package: name → factory."""


def get_backend(name: str = "default") -> SuperResolver:
    """The backend of a name.

    Parameters
    ----------
    name
        A key of `BACKENDS`, ``default``, or the name of an entry point in the group
        ``bocage.superres`` (a factory without arguments).

    Raises
    ------
    ConfigError
        If there is none of that name; the message lists what there is.
    """
    wanted = DEFAULT if name == "default" else name
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
    names = sorted({"default", *BACKENDS, *plugins.names})
    raise ConfigError(
        f"superres.backend: there is no backend '{name}'", remedy=f"use one of: {', '.join(names)}"
    )
