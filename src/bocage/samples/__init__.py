"""Labelled points: reference layers as sets of allowed classes, fused, and sampled in cubes."""

from bocage.samples._draw import draw_samples, fold_of
from bocage.samples._fuse import Fused, fuse
from bocage.samples._labels import Labels, label_raster
from bocage.samples._rules import SamplingRules, Source
from bocage.samples._table import (
    COLUMNS,
    collect,
    empty_samples,
    read_samples,
    summary,
    write_samples,
)

__all__ = [
    "COLUMNS",
    "Fused",
    "Labels",
    "SamplingRules",
    "Source",
    "collect",
    "draw_samples",
    "empty_samples",
    "fold_of",
    "fuse",
    "label_raster",
    "read_samples",
    "summary",
    "write_samples",
]
