"""Which passes a year has, what the sky is like, and which of them are kept.

The two satellites pass every five days between them. Cloud cover of a pass follows a
beta distribution with most of its weight near 0 and 1, whose mean is that of the region
and month; it lasts from day to day (an autoregressive process) and differs between years.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.special import betaincinv, ndtr

from bocage.grid import CRS
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._sun import pass_time, sun_angles
from bocage.simulate._tables import Region, rows
from bocage.simulate._tables import region as load_region
from bocage.simulate._weather import Edge, Weather

REVISIT_DAYS = 5
"""Days between the passes of the two satellites over one orbit."""

KEPT_CLOUD = 0.60
"""Largest cloud cover of the images that are kept."""

MOST_KEPT = 44
"""Most images of a year that are kept: the clearest."""

LEAST_KEPT = 3
"""Fewest images of a season: a map of the year needs each season."""

LEAST_SUN = 8.0
"""Least elevation of the sun in degrees at which the satellites take images."""

SEASONS = ((12, 1, 2), (3, 4, 5), (6, 7, 8), (9, 10, 11))
"""Months of winter, spring, summer and autumn."""

CONTRAST = 0.75
"""Sum of the two parameters of the beta distribution of clouds: below 2 it is U-shaped."""

FLOOD_MONTHS = (12, 1, 2, 3, 4)
"""Months in which a river may flood its banks."""

FLOOD_CHANCE = 0.7
"""Chance of a flood in a year where there is a river."""

SNOW_SCALE_M = 250.0
"""Height in metres over which the odds of snow rise by a factor e."""


@dataclass(frozen=True)
class Pass:
    """One pass of a satellite over the area.

    Attributes
    ----------
    when
        Time, UTC.
    platform
        Satellite: A or B.
    orbit
        0 for the orbit that always sees the whole area, 1 for the one beside it.
    weather
        What it met.
    kept
        Whether the image is in the catalogue.
    """

    when: datetime
    platform: str
    orbit: int
    weather: Weather
    kept: bool

    @property
    def day(self) -> str:
        """Date (ISO)."""
        return self.when.date().isoformat()


def calendar(
    region: Region, year: int, domain: Domain, base_m: float, seed: Seed
) -> tuple[Pass, ...]:
    """All passes of a year in order of time.

    Parameters
    ----------
    base_m
        Height in metres above the sea to which the region's chance of snow belongs.
    """
    turn = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    place = turn.transform(*domain.center)
    first = date(year, 1, 1)
    count = (date(year + 1, 1, 1) - first).days
    months = np.array([(first + timedelta(days=d)).month for d in range(count)])
    clouds = _cloud_days(region, months, seed.at("cloud", year))
    snow = _snow_days(region, months, base_m, seed.at("snow", year))
    floods = _flood_days(region, months, seed.at("flood", year))
    found: list[Pass] = []
    for orbit, offset, edge in _orbits(domain, seed):
        start = (offset - first.toordinal()) % REVISIT_DAYS
        for day in range(start, count, REVISIT_DAYS):
            on = first + timedelta(days=day)
            # Each satellite comes back after ten days.
            platform = "AB"[(on.toordinal() - offset) // REVISIT_DAYS % 2]
            when = pass_time(on, *place)
            sun, azimuth = sun_angles(when, *place)
            rng = seed.rng("pass", on.isoformat())
            shifted = edge and replace(edge, x=edge.x + float(rng.normal(0, 60)))
            weather = Weather(
                day=float(day + 1),
                sun=sun,
                azimuth=azimuth,
                cloud=float(clouds[day]),
                cirrus=float(rng.uniform(0.05, 0.5)) if rng.random() < 0.25 else 0.0,
                haze=float(rng.normal(0.001, 0.005) + 0.012 * (rng.random() < 0.1)),
                snow=float(snow[0][day]),
                line_m=float(snow[1][day]),
                flood=float(floods[day]),
                edge=shifted,
            )
            found.append(Pass(when, platform, orbit, weather, sun >= LEAST_SUN))
    found.sort(key=lambda p: p.when)
    return _thinned(_brightened(found, seed.rng("seasons", year)))


def _orbits(domain: Domain, seed: Seed) -> list[tuple[int, int, Edge | None]]:
    """Orbits that see the area: number, day of a pass modulo five, edge of the swath.

    Every place has an orbit that sees all of it. In three areas of ten the next one does
    too, and in three more its edge runs through the area, about one pass in six overall.
    """
    rng = seed.rng("orbits")
    own, between = int(rng.integers(REVISIT_DAYS)), int(rng.choice([2, 3]))
    draw = rng.random()
    found: list[tuple[int, int, Edge | None]] = [(0, own, None)]
    edge = Edge(
        x=domain.side / 2 + float(rng.uniform(-0.5, 0.5)) * domain.half,
        east=bool(rng.random() < 0.5),
    )
    if draw < 0.3:
        found.append((1, (own + between) % REVISIT_DAYS, None))
    elif draw < 0.6:
        found.append((1, (own + between) % REVISIT_DAYS, edge))
    return found


@cache
def _sky_table() -> dict[str, NDArray[np.float64]]:
    """Mean cloud cover of the months in each biogeographical region (rounded climatology)."""
    return {
        r.pop("region"): np.array([float(share) for share in r.values()]) for r in rows("skies.csv")
    }


def _odds(share: float | NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.clip(share, 1e-4, 1 - 1e-4)
    return np.log(share / (1 - share))


def mean_cloud(region: Region) -> NDArray[np.float64]:
    """Mean cloud cover of each month.

    A landscape that is cloudier than its biogeographical region by its key ``cloud`` is so
    by the same odds in every month.
    """
    usual = load_region(region.biogeographical).cloud
    shift = _odds(region.cloud) - _odds(usual)
    return np.asarray(1 / (1 + np.exp(-_odds(_sky_table()[region.biogeographical]) - shift)))


def _lasting(count: int, keep: float, seed: int) -> NDArray[np.float64]:
    """A normal series in which a share `keep` of a day is left on the next."""
    draws = np.random.Generator(np.random.PCG64(seed)).standard_normal(count)
    out = np.empty(count)
    out[0] = draws[0]
    for day in range(1, count):
        out[day] = keep * out[day - 1] + math.sqrt(1 - keep**2) * draws[day]
    return out


def _cloud_days(region: Region, months: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Cloud cover of every day: fast weather on slow spells of some weeks."""
    latent = 0.87 * _lasting(months.size, 0.55, seed) + 0.5 * _lasting(months.size, 0.96, seed + 1)
    mean = mean_cloud(region)[months - 1]
    share = betaincinv(mean * CONTRAST, (1 - mean) * CONTRAST, ndtr(latent))
    return np.asarray(np.where(share < 0.004, 0.0, share))


def _snow_days(
    region: Region, months: NDArray[np.int64], base_m: float, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of snow above the line, and height of the line, for every day.

    The chance of snow at the base is the region's; its odds rise with height.
    """
    chance = _odds(np.clip(np.array(region.snow), 0.0005, 0.9995))
    middle = np.array([15.5 + 30.44 * m for m in range(-1, 13)])
    around = np.concatenate([chance[-1:], chance, chance[:1]])
    odds = np.interp(np.arange(months.size), middle, around)
    threshold = _odds(ndtr(_lasting(months.size, 0.93, seed)))
    line = base_m + SNOW_SCALE_M * (threshold - odds)
    full = 0.55 + 0.45 * ndtr(_lasting(months.size, 0.8, seed + 1))
    # Where no snow ever falls the line is above all land.
    never = np.array(region.snow).max() == 0
    return full * (0 if never else 1), line


def _flood_days(region: Region, months: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Share of the area under flood water on every day."""
    share = np.zeros(months.size)
    rng = np.random.Generator(np.random.PCG64(seed))
    wet = np.flatnonzero(np.isin(months, FLOOD_MONTHS))
    chance, start = rng.random(), int(rng.choice(wet))
    most, length = rng.uniform(0.015, 0.06), int(rng.integers(14, 32))
    if region.river_m <= 0 or chance >= FLOOD_CHANCE:
        return share
    # It comes fast and goes slowly.
    since = np.arange(length) / length
    curve = np.minimum(since / 0.15, 1) * (1 - since) ** 0.8
    days = np.arange(start, min(start + length, months.size))
    share[days] = most * curve[: days.size] / curve.max()
    return share


def _season(month: int) -> int:
    return next(i for i, months in enumerate(SEASONS) if month in months)


def _brightened(passes: list[Pass], rng: np.random.Generator) -> list[Pass]:
    """Give each season some images: where too few are clear, its clearest get clearer."""
    out = list(passes)
    for season in range(len(SEASONS)):
        mine = [i for i, p in enumerate(passes) if p.kept and _season(p.when.month) == season]
        # The edge may cut what is seen: only passes over the whole area count.
        mine = [i for i in mine if passes[i].weather.edge is None]
        order = sorted(mine, key=lambda i: passes[i].weather.cloud)[:LEAST_KEPT]
        for i in order:
            draw = float(rng.uniform(0.05, 0.45))
            if passes[i].weather.cloud > KEPT_CLOUD:
                weather = replace(passes[i].weather, cloud=draw)
                out[i] = replace(passes[i], weather=weather)
    return out


def _thinned(passes: list[Pass]) -> tuple[Pass, ...]:
    """Keep what is clear enough; of too many the clearest, and each season's first ones."""
    clear = [p for p in passes if p.kept and p.weather.cloud <= KEPT_CLOUD]
    order = sorted(clear, key=lambda p: p.weather.cloud)
    seen = [0] * len(SEASONS)
    chosen: list[datetime] = []
    rest: list[datetime] = []
    for p in order:
        season = _season(p.when.month)
        (chosen if seen[season] < LEAST_KEPT else rest).append(p.when)
        seen[season] += 1
    kept = {*chosen, *rest[: max(0, MOST_KEPT - len(chosen))]}
    return tuple(replace(p, kept=p.when in kept) for p in passes)
