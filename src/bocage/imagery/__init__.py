"""Satellite images: catalogues, cloud masks and monthly mosaics at 10 m."""

from bocage.imagery._catalog import build_catalog
from bocage.imagery._checks import (
    check_mosaic,
    observed_months,
    require_angles,
    require_months,
    require_observed,
)
from bocage.imagery._composite import compose
from bocage.imagery._frames import monthly_frames
from bocage.imagery._items import items_digest, load_items, save_items
from bocage.imagery._light import Relief, Response, load_lighting, save_lighting
from bocage.imagery._mosaic import monthly_mosaic
from bocage.imagery._search import search
from bocage.imagery._settings import ImagerySettings, Slot, window
from bocage.imagery._shifts import Shifts, load_shifts, save_shifts
from bocage.imagery._survey import survey_lighting
from bocage.imagery._survey_shifts import survey_shifts

__all__ = [
    "ImagerySettings",
    "Relief",
    "Response",
    "Shifts",
    "Slot",
    "build_catalog",
    "check_mosaic",
    "compose",
    "items_digest",
    "load_items",
    "load_lighting",
    "load_shifts",
    "monthly_frames",
    "monthly_mosaic",
    "observed_months",
    "require_angles",
    "require_months",
    "require_observed",
    "save_items",
    "save_lighting",
    "save_shifts",
    "search",
    "survey_lighting",
    "survey_shifts",
    "window",
]
