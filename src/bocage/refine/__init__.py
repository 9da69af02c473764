"""Correction of decoded rasters: sieve, linear elements, heterogeneity, and their record."""

from bocage.refine._filters import heterogeneity, sieve
from bocage.refine._lines import LineLayer, draw_lines, line_layers
from bocage.refine._refine import LINEAGE, Refined, RefineSettings, lineage, refine

__all__ = [
    "LINEAGE",
    "LineLayer",
    "RefineSettings",
    "Refined",
    "draw_lines",
    "heterogeneity",
    "line_layers",
    "lineage",
    "refine",
    "sieve",
]
