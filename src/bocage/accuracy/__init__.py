"""How right a map is: validation points, area-adjusted estimates, calibration, comparison."""

from bocage.accuracy._assessment import assess, assess_pairs
from bocage.accuracy._calibration import reliability
from bocage.accuracy._compare import Comparison, compare, compare_files
from bocage.accuracy._design import allocate, sample_size, sample_size_simple
from bocage.accuracy._figure import write_confusion
from bocage.accuracy._files import assess_files
from bocage.accuracy._layers import reference_codes
from bocage.accuracy._plan import SurveyPlan, plan_survey
from bocage.accuracy._points import draw_points, lucas_frame, sample_points
from bocage.accuracy._result import Assessment, Pairs
from bocage.accuracy._strata import combine_strata
from bocage.accuracy._survey import Survey, survey_files
from bocage.accuracy._values import raster_codes, to_level, values_at, values_at_polygons
from bocage.accuracy._weights import point_pairs

__all__ = [
    "Assessment",
    "Comparison",
    "Pairs",
    "Survey",
    "SurveyPlan",
    "allocate",
    "assess",
    "assess_files",
    "assess_pairs",
    "combine_strata",
    "compare",
    "compare_files",
    "draw_points",
    "lucas_frame",
    "plan_survey",
    "point_pairs",
    "raster_codes",
    "reference_codes",
    "reliability",
    "sample_points",
    "sample_size",
    "sample_size_simple",
    "survey_files",
    "to_level",
    "values_at",
    "values_at_polygons",
    "write_confusion",
]
