"""How the land changes between two years: by rules, patch after patch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage
from shapely import LineString
from shapely.geometry.base import BaseGeometry

from bocage.grid import FINE
from bocage.simulate._canvas import BARE
from bocage.simulate._domain import Seed
from bocage.simulate._landscape import Landscape
from bocage.simulate._noise import IntArray, fractal
from bocage.simulate._tables import Rule, land_index, lands, rules
from bocage.simulate._towns import Way

SHARE = (0.008, 0.022)
"""Share of the mapped area that changes in three years, drawn from this range."""

PIXELS_HA = 10_000 / FINE**2
"""Pixels in a hectare."""

LONGEST = 480
"""Objects that are longer, in pixels, change within a window of that size."""

LEAST_HA = 0.08
"""Smaller patches do not change."""


@dataclass
class _State:
    """Layers that change, and what is known about the objects in them."""

    land: NDArray[np.uint8]
    obj: IntArray
    cover: NDArray[np.uint8]
    angle: list[float]
    inside: NDArray[np.bool_]
    windows: list[tuple[slice, slice] | None]
    kind: NDArray[np.uint8]
    size: NDArray[np.int64]
    near: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    changed: int = 0


def evolve(landscape: Landscape, inside: NDArray[np.bool_], year: int, seed: Seed) -> Landscape:
    """The landscape some years later.

    Parameters
    ----------
    landscape
        The landscape before.
    inside
        The mapped area, shape (y, x); it and the land around it change alike, each by the
        drawn share of `SHARE`.
    year
        The later year; it enters the draw.
    """
    state = _state(landscape, inside)
    share = seed.rng("change", year).uniform(*SHARE)
    roads: tuple[Way, ...] = ()
    for where, part in (("inside", inside), ("outside", ~inside)):
        state = replace(state, inside=part, size=_sizes(landscape, part), near={}, changed=0)
        rng = seed.rng("change", year, where)
        target = share * part.sum()
        roads += _new_road(state, landscape, target, rng)
        _apply_rules(state, rules(), target, rng, seed.at("change", year, where))
    return replace(
        landscape,
        land=state.land,
        obj=state.obj,
        cover=state.cover,
        angle=np.array(state.angle, np.float32),
        ways=(*landscape.ways, *roads),
    )


def rewind(
    landscape: Landscape, inside: NDArray[np.bool_], share: float, seed: Seed
) -> NDArray[np.uint8]:
    """Kinds of land some years earlier: the rules run backwards over a share of the area."""
    state = _state(landscape, inside)
    back = [
        Rule(r.target, r.source, r.weight, r.least_ha, r.most_ha, "patch", r.process)
        for r in rules()
        if r.shape in ("patch", "town")
    ]
    rng = seed.rng("rewind")
    _apply_rules(state, back, share * inside.sum(), rng, seed.at("rewind"))
    return state.land


def _state(landscape: Landscape, inside: NDArray[np.bool_]) -> _State:
    count = len(landscape.angle)
    kind = np.zeros(count, np.uint8)
    kind[landscape.obj.ravel()] = landscape.land.ravel()
    return _State(
        land=landscape.land.copy(),
        obj=landscape.obj.copy(),
        cover=landscape.cover.copy(),
        angle=landscape.angle.tolist(),
        inside=inside,
        windows=ndimage.find_objects(landscape.obj + 1, count),
        kind=kind,
        size=_sizes(landscape, inside),
    )


def _sizes(landscape: Landscape, part: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pixels of each object in a part of the square."""
    return np.bincount(landscape.obj[part], minlength=len(landscape.angle))


def _apply_rules(
    state: _State, choice: Sequence[Rule], target: float, rng: np.random.Generator, noise: int
) -> None:
    """Run events until the target is met; every rule gets a turn before any gets a second."""
    codes = [land.code for land in lands()]
    index = land_index()
    usable = [
        r
        for r in choice
        if codes[index[r.source]] != codes[index[r.target]]
        and (state.kind[state.size > 0.1 * PIXELS_HA] == index[r.source]).any()
    ]
    for turn in range(40):
        weights = np.array([r.weight for r in usable])
        order = np.argsort(-(rng.random(len(usable)) ** (1 / np.maximum(weights, 1e-9))))
        for position in order:
            left = target - state.changed
            if left < 0.04 * target:
                return
            _event(state, usable[int(position)], left, rng, noise + turn * 100 + int(position))


def _event(state: _State, rule: Rule, left: float, rng: np.random.Generator, noise: int) -> None:
    index = land_index()
    source, target = index[rule.source], index[rule.target]
    most = min(rule.most_ha, max(0.12, 0.6 * left / PIXELS_HA))
    least = min(rule.least_ha, most)
    area = PIXELS_HA * math.exp(rng.uniform(math.log(least), math.log(most)))
    fits = np.flatnonzero((state.kind == source) & (state.size >= 0.6 * area))
    if rule.shape in ("town", "beside"):
        fits = _next_to(state, fits, target)
    if fits.size == 0:
        return
    chosen = int(rng.choice(fits))
    window = _near_by(state, chosen, rng)
    if window is None:
        return
    here = (state.obj[window] == chosen) & state.inside[window] & (state.land[window] == source)
    here = _largest_part(here)
    if here.sum() < max(0.5 * area, LEAST_HA * PIXELS_HA):
        return
    there = state.land[window] == target
    order = _order(rule.shape, here, there, state.angle[chosen], rng, noise)
    rank = np.argsort(np.where(here, order, np.inf), axis=None, kind="stable")
    many = int(here.sum())
    # Nearly a whole object changes as a whole: no strip is left over.
    many = many if many < 1.35 * area else int(area)
    part = np.zeros(here.size, bool)
    part[rank[:many]] = True
    whole = _largest_part(part.reshape(here.shape))
    # No hole is left inside the patch, but for other land; a shore falls dry all around.
    if rule.shape != "shore":
        whole = ndimage.binary_fill_holes(whole) & here
    if whole.sum() >= LEAST_HA * PIXELS_HA:
        _assign(state, window, whole, target, state.angle[chosen])


def _near_by(state: _State, chosen: int, rng: np.random.Generator) -> tuple[slice, slice] | None:
    """The window of an object; of a long one, such as a river, a piece."""
    window = state.windows[chosen]
    if window is None or max(side.stop - side.start for side in window) <= LONGEST:
        return window
    rows, columns = np.nonzero(state.obj[window] == chosen)
    if rows.size == 0:
        return None
    pick = int(rng.integers(rows.size))
    middle = (window[0].start + int(rows[pick]), window[1].start + int(columns[pick]))
    top, left = (max(0, m - LONGEST // 2) for m in middle)
    return slice(top, top + LONGEST), slice(left, left + LONGEST)


def _largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part of a mask."""
    label, count = ndimage.label(mask)
    if count < 2:
        return mask
    size = np.bincount(label.ravel())
    size[0] = 0
    return np.asarray(label == int(np.argmax(size)))


def _assign(
    state: _State,
    window: tuple[slice, slice],
    part: NDArray[np.bool_],
    target: int,
    angle: float,
) -> None:
    state.land[window][part] = target
    state.obj[window][part] = len(state.angle)
    state.cover[window][part] = BARE
    state.angle.append(angle)
    state.changed += int(part.sum())


def _next_to(state: _State, fits: NDArray[np.int64], target: int) -> NDArray[np.int64]:
    """Objects within 15 m of what was land of the target kind before anything changed."""
    if target not in state.near:
        there = state.land == target
        close = np.zeros(len(state.kind), bool)
        if there.any():
            beside = state.obj[ndimage.binary_dilation(there, iterations=6)]
            close[np.unique(beside[beside < len(close)])] = True
        state.near[target] = close
    found: NDArray[np.int64] = fits[state.near[target][fits]]
    return found


def _order(
    shape: str,
    here: NDArray[np.bool_],
    there: NDArray[np.bool_],
    turn: float,
    rng: np.random.Generator,
    noise: int,
) -> NDArray[np.floating]:
    """In which order the pixels of an object change.

    Parameters
    ----------
    shape
        See ``changes.csv``: town and beside grow from land of the target kind, shore from the
        edge of the object, object is cut straight, blob and patch are rounded.
    here, there
        Pixels of the object, and of land of the target kind, in the window of the object.
    turn
        Direction of the object in radians.
    """
    y = np.arange(here.shape[0], dtype=float)[:, None]
    x = np.arange(here.shape[1], dtype=float)[None, :]
    turn += 0.0 if rng.random() < 0.5 else math.pi / 2
    along: NDArray[np.floating] = x * math.cos(turn) + y * math.sin(turn)
    if shape in ("town", "beside") and there.any():
        away: NDArray[np.floating] = ndimage.distance_transform_edt(~there)
        return away + 0.15 * along
    if shape in ("object", "town"):
        return along
    if shape in ("shore", "blob"):
        depth = ndimage.distance_transform_edt(np.pad(here, 1))[1:-1, 1:-1]
    if shape == "shore":
        # Shores are flat on one side and steep on the other.
        tilt: NDArray[np.floating] = depth * (1.5 + np.sin(along / max(along.max(), 1) * 3))
        return tilt
    if shape == "blob":
        row, column = np.unravel_index(int(np.argmax(depth)), here.shape)
    else:
        rows, columns = np.nonzero(here)
        pick = int(rng.integers(rows.size))
        row, column = rows[pick], columns[pick]
    rough = fractal(y[:, 0], x[0], 24, noise)
    near: NDArray[np.floating] = np.hypot(y - float(row), x - float(column))
    return near + (2.0 if shape == "blob" else 3.0) * rough


def _new_road(
    state: _State, landscape: Landscape, target: float, rng: np.random.Generator
) -> tuple[Way, ...]:
    """A piece of new road over open land, when it is no more than a third of all change."""
    index = land_index()
    width = 12.5
    length = min(650.0, target * FINE**2 / 3 / width)
    if length < 150:
        return ()
    open_land = np.array([land.key in _ROAD_LANDS for land in lands()])
    size = landscape.domain.side
    for _ in range(40):
        middle = size / 2 + rng.uniform(-0.9, 0.9, 2) * landscape.domain.half
        course, bend = rng.uniform(0, 2 * math.pi), rng.uniform(-0.6, 0.6)
        steps = np.linspace(-0.5, 0.5, 20)
        turn = course + bend * steps
        xy = np.cumsum(np.column_stack([np.cos(turn), np.sin(turn)]), axis=0) * length / 20
        line = LineString(xy - xy.mean(axis=0) + middle)
        window, drawn = _drawn(line.buffer(width / 2, cap_style="flat"), state.land.shape)
        free = open_land[state.land[window]] & state.inside[window]
        if drawn.any() and free[drawn].mean() > 0.97:
            _assign(state, window, drawn & free, index["road"], 0.0)
            return (Way(line, "primary", width),)
    return ()


_ROAD_LANDS = ("arable", "grass_managed", "grass_natural", "forest_b")
"""Kinds of land that new roads run over."""


def _drawn(
    shape: BaseGeometry, size: tuple[int, ...]
) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """A window around a shape in local metres, and the pixels in it that the shape covers."""
    west, north, east, south = shape.bounds
    rows = slice(max(0, int(north / FINE)), min(size[0], int(south / FINE) + 1))
    columns = slice(max(0, int(west / FINE)), min(size[1], int(east / FINE) + 1))
    box = (max(0, rows.stop - rows.start), max(0, columns.stop - columns.start))
    if 0 in box:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool)
    transform = Affine(FINE, 0, columns.start * FINE, 0, FINE, rows.start * FINE)
    return (rows, columns), np.asarray(rasterize([shape], box, transform=transform) > 0)
