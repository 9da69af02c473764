"""A raster in files that is generalised, and the rules for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine

from bocage.generalize._graph import Codes, pair_codes
from bocage.generalize._rules import View, views_of
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._store import Store
from bocage.generalize._widths import OUT, Keys, Spans, disc
from bocage.generalize._window import Tiles, Window
from bocage.legend import OUTSIDE, Legend


@dataclass(frozen=True)
class Job:
    """A raster in files, and what must hold of it.

    Attributes
    ----------
    store
        The files.
    tiles
        How it is cut.
    years
        One or two.
    transform
        Pixel corner to map coordinates.
    legend, settings
        The rules.
    largest
        Pixels a side of the largest window.
    """

    store: Store
    tiles: Tiles
    years: int
    transform: Affine
    legend: Legend
    settings: GeneralizeSettings
    largest: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the raster."""
        return self.tiles.shape

    @property
    def pixel(self) -> float:
        """Pixel size, m."""
        return float(self.transform.a)

    @property
    def views(self) -> tuple[View, ...]:
        """The views, with the thresholds of the raster."""
        return views_of(self.years, self.legend, self.settings, margin=self.settings.margin)

    @property
    def spans(self) -> Spans | None:
        """Disc of the least width."""
        width = self.settings.mmw_m
        return disc(width / self.pixel) if width else None

    @property
    def reach(self) -> int:
        """Pixels that the disc reaches from its centre."""
        spans = self.spans
        return 1 if spans is None else max(1, int(np.abs(spans).max()))

    def keys(self, window: Window) -> Keys:
        """Class pairs of the pixels of a window, OUT outside."""
        return keys_in(self.store.read("classes", window))


def keys_in(classes: Codes) -> Keys:
    """Class pairs of pixels, shape (years, y, x) → (y, x); OUT outside."""
    return np.where(classes[0] == OUTSIDE, OUT, pair_codes(classes)).astype(np.uint16)
