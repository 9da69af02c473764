"""From class rasters to a valid polygon coverage that keeps to the minimum mapping unit."""

from bocage.generalize._coverage import Coverage
from bocage.generalize._engine import generalize
from bocage.generalize._files import generalize_files
from bocage.generalize._settings import (
    ExceptionRule,
    GeneralizeSettings,
    Rules,
    list_rules,
    load_rules,
)
from bocage.generalize._undersized import undersized

__all__ = [
    "Coverage",
    "ExceptionRule",
    "GeneralizeSettings",
    "Rules",
    "generalize",
    "generalize_files",
    "list_rules",
    "load_rules",
    "undersized",
]
