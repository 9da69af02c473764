"""What the mosaics are made of: the settings and the window of months."""

from __future__ import annotations

from dataclasses import dataclass

from bocage.errors import ConfigError
from bocage.imagery._brdf import require_weights
from bocage.imagery._composite import COMPOSITES

TEN_BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
"""The bands of Sentinel-2 with pixels of 10 m and 20 m."""

MONTH_NAMES = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)


@dataclass(frozen=True)
class ImagerySettings:
    """How monthly mosaics are made.

    Attributes
    ----------
    bands
        Names of the bands, in the order of the mosaic.
    collection
        Identifier of the STAC collection.
    cloud_mask
        ``scl`` (Sen2Cor scene classification), ``none``, or the key of an asset whose
        values other than zero are bad.
    dilation_px
        Growth of clouds and shadows, pixels of 10 m.
    screen
        ``series``: clouds, haze and shadows that the mask has missed are found by what stands
        out against the dates before and after, and count, where they do not hide the ground, only
        if a month shows nothing else; ``none``: the mask is trusted.
    snow
        ``avoid``: snow counts only where a pixel was not seen without it in that month;
        ``keep``: it counts like any other observation.
    coregister
        ``report``: how far each date lies beside the others is written into the mosaic;
        ``apply``: it is also put right; ``none``: neither.
    illumination
        Slopes look as bright as level ground, which needs heights: ``c_correction``, or ``scs_c``
        where what grows on them stands upright (woods); ``none``: they are left as they are.
    brdf
        ``c_factor``: what the satellite would see from straight above; ``none``: from where it
        stood.
    composite
        ``median`` of each band; ``geomedian``, the median of all bands at once; ``medoid``, the
        clear date nearest to the median, so that spectra are real; ``weighted_medoid``, the
        same with less trust in haze and in the surroundings of clouds.
    months
        Months of the year to make, 1–12.
    first_month
        First month of the twelve that end in the status year: 1 is January to December of
        the year itself, 11 is November of the year before to October.
    years_around
        Also use the same months of this many years before and after.
    allow_missing_months
        Go on although a listed month has no observation.
    max_cloud_cover
        Leave out items that are cloudier, percent (``eo:cloud_cover``; items that do not
        say are kept).
    scl_clear
        Values of the scene classification that count as clear.
    fill
        ``linear``: a month without a clear observation is interpolated in time from the
        same pixel; ``none``: it stays missing.
    smooth
        ``whittaker``: the months of each pixel are smoothed; ``none``: they are not.
    smooth_strength
        How much a bend of the year costs beside one clear observation.
    """

    bands: tuple[str, ...] = TEN_BANDS
    collection: str = "sentinel-2-l2a"
    cloud_mask: str = "scl"
    dilation_px: int = 2
    screen: str = "series"
    snow: str = "avoid"
    coregister: str = "none"
    illumination: str = "none"
    brdf: str = "none"
    composite: str = "geomedian"
    months: tuple[int, ...] = tuple(range(1, 13))
    first_month: int = 1
    years_around: int = 0
    allow_missing_months: bool = False
    max_cloud_cover: float = 100
    scl_clear: tuple[int, ...] = (4, 5, 6, 7, 11)
    fill: str = "linear"
    smooth: str = "none"
    smooth_strength: float = 1.0

    def __post_init__(self) -> None:
        for key, good, rule in (
            ("bands", _unique(self.bands), "list at least one band, each once"),
            ("screen", self.screen in ("series", "none"), "use series or none"),
            ("snow", self.snow in ("avoid", "keep"), "use avoid or keep"),
            (
                "coregister",
                self.coregister in ("none", "report", "apply"),
                "use none, report or apply",
            ),
            (
                "illumination",
                self.illumination in ("none", "c_correction", "scs_c"),
                "use none, c_correction or scs_c",
            ),
            ("brdf", self.brdf in ("none", "c_factor"), "use none or c_factor"),
            ("composite", self.composite in COMPOSITES, f"use {', '.join(COMPOSITES)}"),
            ("fill", self.fill in ("linear", "none"), "use linear or none"),
            ("smooth", self.smooth in ("none", "whittaker"), "use none or whittaker"),
            ("smooth_strength", self.smooth_strength > 0, "use a number above 0"),
            (
                "months",
                _unique(self.months) and all(1 <= m <= 12 for m in self.months),
                "list months from 1 to 12, each once",
            ),
            ("first_month", 1 <= self.first_month <= 12, "use a month from 1 to 12"),
            ("years_around", self.years_around >= 0, "use 0 or more"),
            ("dilation_px", self.dilation_px >= 0, "use 0 or more pixels of 10 m"),
            ("max_cloud_cover", 0 <= self.max_cloud_cover <= 100, "use a percentage"),
            ("cloud_mask", bool(self.cloud_mask), "use scl, none or the key of a mask asset"),
        ):
            if not good:
                raise ConfigError(
                    f"imagery.{key}: {getattr(self, key)!r} is not valid", remedy=rule
                )
        if self.brdf == "c_factor":
            require_weights(self.bands)


@dataclass(frozen=True)
class Slot:
    """One month of the mosaic and the years whose images make it."""

    month: int
    years: tuple[int, ...]

    def __contains__(self, year_month: tuple[int, int]) -> bool:
        year, month = year_month
        return month == self.month and year in self.years

    def __str__(self) -> str:
        years = "/".join(str(y) for y in self.years)
        return f"{MONTH_NAMES[self.month - 1]} {years}"


def window(settings: ImagerySettings, year: int) -> tuple[Slot, ...]:
    """The months of the mosaic of a status year, in chronological order.

    Parameters
    ----------
    settings
        Gives months, first month and years around.
    year
        Status year; the last month of the window lies in it.
    """
    first = settings.first_month
    slots = []
    for step in range(12):
        month = (first - 1 + step) % 12 + 1
        start = year - 1 if first > 1 and month >= first else year
        around = range(-settings.years_around, settings.years_around + 1)
        if month in settings.months:
            slots.append(Slot(month, tuple(start + d for d in around)))
    return tuple(slots)


def _unique(values: tuple[object, ...]) -> bool:
    return bool(values) and len(set(values)) == len(values)
