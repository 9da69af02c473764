from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bocage.simulate._calendar import (
    KEPT_CLOUD,
    LEAST_KEPT,
    LEAST_SUN,
    MOST_KEPT,
    SEASONS,
    calendar,
    mean_cloud,
)
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._tables import list_landscapes, region


def year_of(name, seed=1, year=2021, base=None):
    place = region(name)
    domain = Domain.around(place.place, 2)
    return calendar(place, year, domain, place.level_m if base is None else base, Seed(seed, name))


@pytest.mark.parametrize("name", list_landscapes())
def test_a_year_keeps_its_clear_passes(name):
    counts = []
    for seed in range(8):
        passes = year_of(name, seed)
        kept = [p for p in passes if p.kept]
        counts.append(len(kept))
        assert len(kept) <= MOST_KEPT
        assert len({p.day for p in passes}) == len(passes)
        assert max(p.weather.cloud for p in kept) <= KEPT_CLOUD
        assert min(p.weather.sun for p in kept) >= LEAST_SUN
        for months in SEASONS:
            assert sum(p.when.month in months for p in kept) >= LEAST_KEPT
    assert 24 <= np.median(counts) <= MOST_KEPT


def test_an_orbit_is_seen_every_five_days_by_the_satellites_in_turn():
    for seed in range(6):
        for orbit in {p.orbit for p in year_of("continental", seed)}:
            mine = [p for p in year_of("continental", seed) if p.orbit == orbit]
            days = np.array([p.weather.day for p in mine])
            assert (np.diff(days) == 5).all()
            assert all(a.platform != b.platform for a, b in pairwise(mine))


def test_orbits_go_on_over_the_end_of_the_year():
    last = [p for p in year_of("continental", 3, 2021) if p.orbit == 0][-1]
    first = next(p for p in year_of("continental", 3, 2022) if p.orbit == 0)
    assert (first.when.date() - last.when.date()).days == 5
    assert first.platform != last.platform


def test_some_areas_lie_on_two_orbits_and_some_on_an_edge():
    twice, cut = 0, 0
    for seed in range(60):
        passes = year_of("continental", seed)
        twice += any(p.orbit for p in passes)
        edges = [p.weather.edge for p in passes if p.weather.edge]
        cut += bool(edges)
        if edges:
            assert all(p.orbit == 1 for p in passes if p.weather.edge)
            assert len({e.east for e in edges}) == 1
            assert 0 < np.std([e.x for e in edges]) < 150
    assert 0.4 < twice / 60 < 0.8
    assert 0.12 < cut / 60 < 0.5


def test_the_north_is_cloudy_in_winter_and_the_mediterranean_clear_in_summer():
    def cloud(name, months):
        found = [
            p.weather.cloud
            for seed in range(15)
            for p in year_of(name, seed)
            if p.when.month in months
        ]
        return np.array(found)

    winter, summer = cloud("continental", (12, 1, 2)), cloud("mediterranean", (7, 8))
    assert winter.mean() > 0.6
    assert summer.mean() < 0.25
    # U-shaped: most dates are clear or overcast.
    both = np.concatenate([winter, cloud("continental", (4, 5, 9))])
    assert ((both < 0.15) | (both > 0.85)).mean() > 0.5


def test_clouds_last_from_day_to_day():
    from bocage.simulate._calendar import _cloud_days

    months = np.repeat(5, 4000)
    days = _cloud_days(region("continental"), months, 3)
    assert np.corrcoef(days[:-1], days[1:])[0, 1] > 0.4
    assert days.mean() == pytest.approx(mean_cloud(region("continental"))[4], abs=0.04)


def test_a_cloudier_landscape_has_cloudier_months():
    place = region("continental")
    assert (mean_cloud(replace(place, cloud=place.cloud + 0.1)) > mean_cloud(place)).all()


def test_boreal_winters_have_a_gap():
    december = [p for p in year_of("boreal", 2) if p.when.month == 12]
    assert december
    assert not any(p.kept for p in december)


def test_snow_comes_with_the_season_and_with_height():
    share = {}
    for base in (700.0, 2000.0):
        passes = [p for seed in range(10) for p in year_of("alpine", seed, base=700.0)]
        share[base] = [
            np.mean([
                p.weather.snow_at(np.array([base]))[0] > 0.3
                for p in passes
                if p.when.month in months
            ])
            for months in ((1, 2), (5, 6), (8,))
        ]  # fmt: skip
    assert share[700.0][0] > 0.8
    assert share[700.0][2] == pytest.approx(0, abs=0.02)
    assert share[2000.0][1] > share[700.0][1] + 0.2
    assert all(p.weather.snow == 0 for p in year_of("macaronesian"))


def test_floods_last_some_weeks_of_winter_or_spring():
    flooded = [p for seed in range(12) for p in year_of("pannonian", seed) if p.weather.flood > 0]
    assert flooded
    assert {p.when.month for p in flooded} <= {12, 1, 2, 3, 4, 5}
    assert 0.01 < max(p.weather.flood for p in flooded) <= 0.06
    dry = replace(region("pannonian"), river_m=0.0)
    domain = Domain.around(dry.place, 2)
    for seed in range(5):
        assert not any(
            p.weather.flood for p in calendar(dry, 2021, domain, 95, Seed(seed, "pannonian"))
        )


def test_the_same_seed_gives_the_same_year():
    assert year_of("atlantic", 5) == year_of("atlantic", 5)
    assert year_of("atlantic", 5) != year_of("atlantic", 6)
