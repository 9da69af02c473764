"""A network of one's own, in the ONNX format, described by a small YAML file."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bocage.errors import ConfigError, InputError
from bocage.files import existing
from bocage.superres._bicubic import FACTOR, fill_nearest, mask_back
from bocage.superres._graph import Graph
from bocage.superres._lmmse import apply_filter, shipped_filters

PREFIX = "onnx:"
"""What the name of such a backend starts with; the path of the YAML file follows."""


class Description(BaseModel):
    """The YAML file.

    Attributes
    ----------
    model
        The ONNX file, from the folder of the YAML file.
    bands
        The bands that it takes and gives, in its order.
    factor
        Fine pixels along the side of a coarse one; 4 is what this package works with.
    margin
        Its reach in coarse pixels.
    """

    model_config = ConfigDict(extra="forbid")

    model: str
    bands: tuple[str, ...] = Field(min_length=1)
    factor: int = FACTOR
    margin: int = Field(16, ge=0)


def read_description(path: Path) -> Description:
    """Read the YAML file.

    Raises
    ------
    ConfigError
        If it is missing, no YAML, or says something else than it should.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = Description.model_validate(content)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ConfigError(
            f"superres.backend: {path} describes no network: {error}",
            remedy="give a YAML file with model, bands, factor and margin",
        ) from error
    if found.factor != FACTOR:
        raise ConfigError(
            f"superres.backend: {path} has the factor {found.factor}",
            remedy=f"give a network that makes {FACTOR} × {FACTOR} pixels of one",
        )
    return found


class OnnxBackend:
    """The network of a YAML file; bands that it does not know go through the linear filter."""

    consistency: ClassVar[str] = "psf"

    def __init__(self, path: Path | str, threads: int = 1) -> None:
        self._path = Path(path)
        self._described = read_description(self._path)
        self._threads = threads

    @property
    def name(self) -> str:
        """``onnx:`` and the name of the file."""
        return f"{PREFIX}{self._path.name}"

    @cached_property
    def _graph(self) -> Graph:
        file = existing(self._path.parent / self._described.model, "network")
        return Graph(file.read_bytes(), str(file), self._described.margin, threads=self._threads)

    def note(self, bands: tuple[str, ...]) -> str:
        """The bands that do not go through the network."""
        linear = [b for b in bands if b not in self._described.bands]
        return f"linear filter for {', '.join(linear)}" if linear else ""

    def upscale(self, image: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
        """Four times the pixels along y and x; NaN where the source is NaN."""
        known = self._described.bands
        lack = [b for b in known if b not in bands]
        if lack:
            raise InputError(
                f"{self._path.name} needs the bands {', '.join(known)}; the image lacks "
                f"{', '.join(lack)}",
                remedy="give an image with all of them, or another backend",
            )
        filled = fill_nearest(image)
        fine = self._graph.run(filled[[bands.index(b) for b in known]])
        filters = shipped_filters()
        made = [
            fine[known.index(b)] if b in known else apply_filter(values, filters.of(b))
            for b, values in zip(bands, filled, strict=True)
        ]
        return mask_back(np.stack(made), image)
