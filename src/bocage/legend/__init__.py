"""Nomenclatures as data: class trees, colours, similarities and crosswalks between them."""

from bocage.legend._crosswalk import Crosswalk, list_crosswalks, load_crosswalk
from bocage.legend._legend import (
    OUTSIDE,
    UNCLASSIFIED,
    Legend,
    LegendClass,
    list_legends,
    load_legend,
)

__all__ = [
    "OUTSIDE",
    "UNCLASSIFIED",
    "Crosswalk",
    "Legend",
    "LegendClass",
    "list_crosswalks",
    "list_legends",
    "load_crosswalk",
    "load_legend",
]
