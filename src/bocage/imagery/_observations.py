"""The clear observations of a window of months, kept on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType
from typing import IO

import numpy as np
from numpy.typing import NDArray

IN_MEMORY = 32 * 2**20
"""Bytes of images that are kept in memory before they go to a temporary file."""

STRIP = 24 * 2**20
"""Bytes of the images that are worked on at a time."""


@dataclass(frozen=True)
class Day:
    """One day of observations.

    Attributes
    ----------
    day
        In local solar time.
    slot
        Position of its month in the window.
    single
        False for images that stand for a whole month already.
    items
        Identifiers of the items, the one that wins first.
    """

    day: date
    slot: int
    single: bool
    items: tuple[str, ...]


@dataclass
class Observations:
    """Images of one piece of ground, one a day, in a file that goes away with it.

    Memory holds three bytes a pixel and day, whatever the number of bands: whether the day is
    usable, whether it is doubtful, and its haze.

    Attributes
    ----------
    bands, shape
        Names of the bands; rows and columns.
    days
        The days, in the order they were added.
    usable
        Clear pixels of each day, bool (y, x).
    doubtful
        Usable pixels of each day, bool (y, x), that count only where a month has no others.
    haze
        Haze of each day, uint8 (y, x), see `bocage.imagery._screen.Screened`.
    """

    bands: tuple[str, ...]
    shape: tuple[int, int]
    days: list[Day] = field(default_factory=list)
    usable: list[NDArray[np.bool_]] = field(default_factory=list)
    doubtful: list[NDArray[np.bool_]] = field(default_factory=list)
    haze: list[NDArray[np.uint8]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115

    def __enter__(self) -> Observations:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self.days)

    def add(self, day: Day, image: NDArray[np.float32]) -> None:
        """Keep the image (band, y, x) of a day, NaN in all bands where it is not clear."""
        self.days.append(day)
        self.usable.append(np.isfinite(image[0]))
        self.doubtful.append(np.zeros(self.shape, dtype=bool))
        self.haze.append(np.zeros(self.shape, dtype=np.uint8))
        self._write(len(self.days) - 1, image)

    def replace(self, number: int, image: NDArray[np.float32]) -> None:
        """Put another image in the place of that of a day; what was ruled out stays so."""
        self.usable[number] &= np.isfinite(image[0])
        self._write(number, image)

    def _write(self, number: int, image: NDArray[np.float32]) -> None:
        self._file.seek(number * image.nbytes)
        self._file.write(np.ascontiguousarray(image, dtype=np.float32).tobytes())

    def read(
        self, number: int, bands: Sequence[str] | None = None, rows: slice | None = None
    ) -> NDArray[np.float32]:
        """Rows of bands of a day, float32 (band, y, x), as they were added."""
        height, width = self.shape
        start, stop, _ = (rows or slice(None)).indices(height)
        chosen = range(len(self.bands)) if bands is None else map(self.bands.index, bands)
        parts = []
        for band in chosen:
            place = ((number * len(self.bands) + band) * height + start) * width
            self._file.seek(4 * place)
            parts.append(np.frombuffer(self._file.read(4 * (stop - start) * width), np.float32))
        return np.concatenate(parts).reshape(len(parts), stop - start, width)

    def stack(
        self,
        numbers: Sequence[int],
        bands: Sequence[str] | None = None,
        rows: slice | None = None,
    ) -> NDArray[np.float32]:
        """The same of several days, (day, band, y, x), NaN where they are not usable."""
        window = rows or slice(None)
        images = [self.read(n, bands, window) for n in numbers]
        for image, number in zip(images, numbers, strict=True):
            image[:, ~self.usable[number][window]] = np.nan
        return np.stack(images)

    def strips(self, numbers: Sequence[int], bands: int, beside: int = 0) -> list[slice]:
        """Rows to work on at a time, so that memory does not grow with the number of days.

        Parameters
        ----------
        numbers, bands
            Days and number of bands that are read at a time.
        beside
            Rows read on either side; strips are no lower than these.
        """
        height, width = self.shape
        row = 4 * max(len(numbers), 1) * bands * width
        rows = max(STRIP // row - 2 * beside, 2 * beside, 1)
        return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]
