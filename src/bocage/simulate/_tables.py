"""The tables of the room: kinds of land, covers, spectra, regions and rules of change."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.legend import Legend


def rows(name: str) -> list[dict[str, str]]:
    """Rows of a table of the room by the names of its columns."""
    text = (resources.files("bocage.simulate") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


RESOLUTION = {r["band"]: int(r["resolution_m"]) for r in rows("bands.csv")}
"""Native pixel size of each band in metres."""

BANDS = tuple(RESOLUTION)
"""Spectral bands that are simulated, in the order of the spectra."""

FEATURES = ("slope", "wet", "height", "south", "town", "water")
"""Properties of a parcel that decide what it is good for."""


@dataclass(frozen=True)
class Land:
    """A kind of land: what the truth calls it, where it belongs and what it looks like.

    Attributes
    ----------
    key
        Name in the tables of this room.
    code
        Leaf code of the legend.
    zone
        Who places it: farm, wild, basin (parcels by suitability), town, line or inset.
    pattern
        How its covers are arranged: object, crop, noise, rows, plots, town or hall.
    grain_m
        Size of the pattern in metres.
    weights
        Weight of each of `FEATURES` in its suitability.
    noise, noise_m
        Weight and size in metres of chance.
    scatter
        Weight of chance between neighbouring parcels: high where patches are small.
    belt
        Where it can be: 1 above the sub-alpine limit only, -1 below it only, 0 anywhere.
    """

    key: str
    code: int
    zone: str
    pattern: str
    grain_m: float
    weights: tuple[float, ...]
    noise: float
    noise_m: float
    scatter: float
    belt: int


@dataclass(frozen=True)
class Cover:
    """What a pixel of 2.5 m looks like over the year.

    Leaf area index and share of dead leaves follow two logistic curves, from `…_low` in
    January over `…_high` to `…_after` in December (days of the year `sos`, `eos`; widths
    `up`, `down`).

    Attributes
    ----------
    canopy
        Canopy of ``canopies.csv``; on bare ground a few weeds, or none.
    lag
        Days from the middle of ageing to the loss of the leaves, or to the harvest.
    catch
        Leaf area index of the catch crop before and after a crop, where there is one.
    closure
        Share of the ground that lies under crowns; leaf area is that within crowns.
    ground
        Endmember beneath; ``soil`` stands for the soil of the region.
    tint, tint_low, tint_high
        Endmember mixed into the ground, and its share in winter and in the season.
    under
        Share of the ground that herbs of the undergrowth cover.
    shade
        Share of shadow under a sun at 45°.
    snow
        How much of the lying snow is seen, and hides the leaves.
    herb
        0 woody, wet or bare, 1 herbs (dry up in summer), 2 crops (earlier where spring is).
    texture
        Relative standard deviation of the brightness at 2.5 m.
    vary
        Factor of the variation between objects.
    mowings
        Mean number of cuts a year; bloom: day of full bloom, 0 for none.
    kin
        Covers that grow among it, separated by blanks; may be empty.
    """

    key: str
    canopy: str
    lai_low: float
    lai_high: float
    lai_after: float
    dead_low: float
    dead_high: float
    dead_after: float
    sos: float
    up: float
    eos: float
    down: float
    lag: float
    catch: float
    closure: float
    ground: str
    tint: str
    tint_low: float
    tint_high: float
    under: float
    shade: float
    snow: float
    herb: int
    texture: float
    vary: float
    mowings: float
    bloom: float
    kin: str


@dataclass(frozen=True)
class Coast:
    """What the shore of a coastal landscape is like (see ``regions.yaml``)."""

    sea: float
    bend_m: float
    rough_m: float
    gain: float
    steep_m: float
    flats_m: float
    beach_m: float
    dunes_m: float
    marsh: float
    lagoon_m: float
    salines_m: float
    estuary_m: float
    inlet_m: float
    cliffs: float


@dataclass(frozen=True)
class Region:
    """What the countryside of a landscape is made of (see ``regions.yaml``)."""

    name: str
    biogeographical: str
    place: tuple[int, int]
    level_m: float
    treeline_m: float
    relief_m: float
    valley_m: float
    river_m: float
    field_m: tuple[float, float]
    hedges: float
    villages: float
    hamlets: float
    season_days: float
    dry_days: float
    soil: str
    cloud: float
    snow: tuple[float, ...]
    crops: Mapping[str, float]
    shares: Mapping[str, float]
    mixtures: Mapping[str, Mapping[str, float]]
    coast: Coast | None = None


@dataclass(frozen=True)
class Rule:
    """A way in which land changes between two years.

    Attributes
    ----------
    source, target
        Kinds of land.
    weight
        How often it happens where there is land of the source kind.
    least_ha, most_ha
        Size of the patches.
    shape
        What part of an object changes (see ``_change._order``).
    process
        What happens, in words; for the scene card.
    """

    source: str
    target: str
    weight: float
    least_ha: float
    most_ha: float
    shape: str
    process: str


@dataclass(frozen=True)
class Speck:
    """Small objects that are scattered over a zone where the region has a kind of land."""

    land: str
    zone: str
    needs: str
    per_km2: float
    least_ha: float
    most_ha: float


@cache
def specks() -> tuple[Speck, ...]:
    """Small objects (``specks.csv``)."""
    return tuple(
        Speck(
            r["land"],
            r["zone"],
            r["needs"],
            float(r["per_km2"]),
            float(r["least_ha"]),
            float(r["most_ha"]),
        )
        for r in rows("specks.csv")
    )


@cache
def lands() -> tuple[Land, ...]:
    """All kinds of land; the position is the value in the rasters of this room."""
    return tuple(
        Land(
            key=r["key"],
            code=int(r["code"]),
            zone=r["zone"],
            pattern=r["pattern"],
            grain_m=float(r["grain_m"]),
            weights=tuple(float(r[f]) for f in FEATURES),
            noise=float(r["noise"]),
            noise_m=float(r["noise_m"]),
            scatter=float(r["scatter"]),
            belt=int(r["belt"]),
        )
        for r in rows("lands.csv")
    )


@cache
def land_index() -> dict[str, int]:
    """Position of each kind of land."""
    return {land.key: i for i, land in enumerate(lands())}


@cache
def covers() -> tuple[Cover, ...]:
    """All covers; the position is the value in the rasters of this room."""
    kinds = Cover.__dataclass_fields__
    return tuple(
        Cover(
            **{
                name: (r[name] if kinds[name].type == "str" else _number(r[name], kinds[name].type))
                for name in kinds
            }  # type: ignore[arg-type]
        )
        for r in rows("covers.csv")
    )


def _number(text: str, kind: object) -> float:
    return int(text) if kind == "int" else float(text)


@cache
def cover_index() -> dict[str, int]:
    """Position of each cover."""
    return {cover.key: i for i, cover in enumerate(covers())}


@cache
def endmembers() -> dict[str, NDArray[np.float32]]:
    """Reflectance of pure surfaces in `BANDS`."""
    return {
        r["key"]: np.array([float(r[b]) for b in BANDS], np.float32) for r in rows("endmembers.csv")
    }


@cache
def endmembers_of(kind: str) -> frozenset[str]:
    """Names of the endmembers of a kind: soil, rock, water, built, snow or flower."""
    return frozenset(r["key"] for r in rows("endmembers.csv") if r["kind"] == kind)


@cache
def rules() -> tuple[Rule, ...]:
    """Rules of change."""
    return tuple(
        Rule(
            r["source"],
            r["target"],
            float(r["weight"]),
            float(r["least_ha"]),
            float(r["most_ha"]),
            r["shape"],
            r["process"],
        )
        for r in rows("changes.csv")
    )


@cache
def _mixtures() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for r in rows("mixtures.csv"):
        found.setdefault(r["land"], {})[r["cover"]] = float(r["share"])
    return found


@cache
def _regions() -> dict[str, dict[str, Any]]:
    """Every landscape as given; a variant takes from another what it does not give itself."""
    folder = resources.files("bocage.simulate") / "data"
    given = yaml.safe_load((folder / "regions.yaml").read_text(encoding="utf-8"))
    for name, values in given.items():
        like = values.pop("like", None)
        base = given[like] if like else {"biogeographical": name}
        for part in ("shares", "mixtures"):
            values[part] = {**base.get(part, {}), **values.get(part, {})}
        given[name] = {**base, **values}
    return dict(given)


def list_landscapes() -> tuple[str, ...]:
    """Names of the landscapes: the biogeographical regions, and coastal variants of some."""
    return tuple(_regions())


def region(name: str) -> Region:
    """The countryside of a landscape.

    Raises
    ------
    InputError
        If there is no such landscape.
    """
    if name not in list_landscapes():
        raise InputError(
            f"there is no region '{name}'", remedy=f"use one of {', '.join(list_landscapes())}"
        )
    given = dict(_regions()[name])
    special = given.pop("mixtures")
    coast = given.pop("coast", None)
    place, field = given.pop("place"), given.pop("field_m")
    return Region(
        name=name,
        mixtures={**_mixtures(), "arable": given["crops"], **special},
        place=(int(place[0]), int(place[1])),
        field_m=(float(field[0]), float(field[1])),
        snow=tuple(float(s) for s in given.pop("snow")),
        coast=Coast(**coast) if coast else None,
        **given,
    )


def class_table(legend: Legend) -> NDArray[np.uint8]:
    """Look-up table: kind of land → class index of the legend."""
    return np.array([legend.index(land.code) for land in lands()], np.uint8)
