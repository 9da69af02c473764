"""Nomenclatures as data: class trees, colours, similarities and crosswalks between them."""

from bocage.legend._classes import LegendClass
from bocage.legend._crosswalk import Condition, Crosswalk, list_crosswalks, load_crosswalk
from bocage.legend._legend import OUTSIDE, UNCLASSIFIED, Legend
from bocage.legend._library import list_legends, load_legend
from bocage.legend._recode import HOW, Decision, Recode

__all__ = [
    "HOW",
    "OUTSIDE",
    "UNCLASSIFIED",
    "Condition",
    "Crosswalk",
    "Decision",
    "Legend",
    "LegendClass",
    "Recode",
    "list_crosswalks",
    "list_legends",
    "load_crosswalk",
    "load_legend",
]
