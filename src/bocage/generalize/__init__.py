"""From class rasters to a valid polygon coverage that keeps to the minimum mapping unit."""

from bocage.generalize._attributes import class_shares, describe, summary
from bocage.generalize._coverage import Coverage
from bocage.generalize._engine import generalize
from bocage.generalize._files import generalize_files
from bocage.generalize._oversized import oversized
from bocage.generalize._scales import SCALES_HA, coarsen, generalize_scales
from bocage.generalize._settings import (
    ExceptionRule,
    GeneralizeSettings,
    Rules,
    list_rules,
    load_rules,
)
from bocage.generalize._tiles import Tiling
from bocage.generalize._undersized import undersized

__all__ = [
    "SCALES_HA",
    "Coverage",
    "ExceptionRule",
    "GeneralizeSettings",
    "Rules",
    "Tiling",
    "class_shares",
    "coarsen",
    "describe",
    "generalize",
    "generalize_files",
    "generalize_scales",
    "list_rules",
    "load_rules",
    "oversized",
    "summary",
    "undersized",
]
