"""How right a map is: validation points, area-adjusted estimates, calibration."""

from bocage.accuracy._assessment import Assessment, Pairs, assess, assess_pairs
from bocage.accuracy._calibration import reliability
from bocage.accuracy._files import assess_files
from bocage.accuracy._layers import reference_codes
from bocage.accuracy._points import sample_points
from bocage.accuracy._values import raster_codes, to_level, values_at, values_at_polygons

__all__ = [
    "Assessment",
    "Pairs",
    "assess",
    "assess_files",
    "assess_pairs",
    "raster_codes",
    "reference_codes",
    "reliability",
    "sample_points",
    "to_level",
    "values_at",
    "values_at_polygons",
]
