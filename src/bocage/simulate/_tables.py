"""The tables of the room: kinds of land, covers, spectra, regions and rules of change."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import yaml
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.grid import list_regions
from bocage.legend import Legend

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
"""Spectral bands that are simulated, in the order of the spectra."""

RESOLUTION = dict(zip(BANDS, (10, 10, 10, 20, 20, 20, 10, 20, 20, 20), strict=True))
"""Native pixel size of each band in metres."""

FEATURES = ("slope", "wet", "height", "south", "town", "water")
"""Properties of a parcel that decide what it is good for."""


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("bocage.simulate") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


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


@dataclass(frozen=True)
class Cover:
    """What a pixel of 2.5 m looks like over the year.

    The green share follows two logistic curves, from `base` in January over `peak`
    to `after` in December (days of the year `sos`, `eos`; widths `up`, `down`).

    Attributes
    ----------
    green, ground
        Endmembers of the green share and of the rest.
    shade
        Share of shade; snow: how much of the snow is seen; texture: standard
        deviation of the brightness at 2.5 m; vary: factor of the variation between objects.
    herb
        0 woody or bare, 1 herbs (dry up in summer), 2 crops (earlier where spring is).
    mowings
        Mean number of cuts a year; bloom: day of full bloom, 0 for none.
    """

    key: str
    green: str
    ground: str
    base: float
    peak: float
    after: float
    sos: float
    up: float
    eos: float
    down: float
    shade: float
    snow: float
    herb: int
    texture: float
    vary: float
    mowings: float
    bloom: float


@dataclass(frozen=True)
class Region:
    """What the countryside of a biogeographical region is made of (see ``regions.yaml``)."""

    name: str
    place: tuple[int, int]
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


@dataclass(frozen=True)
class Rule:
    """A way in which land changes between two years; the shape says what part of an object."""

    source: str
    target: str
    weight: float
    least_ha: float
    most_ha: float
    shape: str


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
        )
        for r in _rows("lands.csv")
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
        for r in _rows("covers.csv")
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
        r["key"]: np.array([float(r[b]) for b in BANDS], np.float32)
        for r in _rows("endmembers.csv")
    }


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
        )
        for r in _rows("changes.csv")
    )


@cache
def _mixtures() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for r in _rows("mixtures.csv"):
        found.setdefault(r["land"], {})[r["cover"]] = float(r["share"])
    return found


def region(name: str) -> Region:
    """The countryside of a biogeographical region.

    Raises
    ------
    InputError
        If there is no such region.
    """
    if name not in list_regions():
        raise InputError(
            f"there is no region '{name}'", remedy=f"use one of {', '.join(list_regions())}"
        )
    folder = resources.files("bocage.simulate") / "data"
    given = yaml.safe_load((folder / "regions.yaml").read_text(encoding="utf-8"))[name]
    special = given.pop("mixtures", {})
    mixtures = {**_mixtures(), "arable": given["crops"], **special}
    place, field, snow = given.pop("place"), given.pop("field_m"), given.pop("snow")
    return Region(
        name=name,
        mixtures=mixtures,
        place=(int(place[0]), int(place[1])),
        field_m=(float(field[0]), float(field[1])),
        snow=tuple(float(s) for s in snow),
        **given,
    )


def class_table(legend: Legend) -> NDArray[np.uint8]:
    """Look-up table: kind of land → class index of the legend."""
    return np.array([legend.index(land.code) for land in lands()], np.uint8)
