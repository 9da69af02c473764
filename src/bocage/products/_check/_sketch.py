"""Small maps of faults, cut out of the layer while it is at hand, and drawn as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from bocage.products._check._edges import Shapes
from bocage.products._check._finding import Step

Window = tuple[float, float, float, float]

_PER_STEP = 4
_LEAST_M = 40.0  # side of the smallest window
_MARGIN = 1.6
_DOTS = 3000
_GRAIN = 400  # details smaller than this part of a window are left out
_COLORS = (
    "#b00020", "#00639b", "#e08a00", "#6a1b9a", "#1b6e3c", "#ef5da8", "#37474f", "#00a3a3",
    "#7a4b21", "#7cb342", "#3f51b5", "#9e9d24",
)  # fmt: skip


@dataclass(frozen=True)
class Sketch:
    """A fault and what lies around it.

    Attributes
    ----------
    step, title
        Step that found it, and the identifier of the feature, if it has one.
    window
        West, south, east, north.
    fault
        Geometry of the fault.
    around
        Polygons of the layer, cut at the window.
    """

    step: str
    title: str
    window: Window
    fault: Any
    around: tuple[Any, ...]


@dataclass(frozen=True)
class Overview:
    """Where the faults are in the layer.

    Attributes
    ----------
    window
        Extent of the layer and the faults.
    dots
        Middles of polygons of the layer, a sample, shape (k, 2).
    spots
        Step → places of its faults, shape (m, 2).
    """

    window: Window
    dots: NDArray[np.float64]
    spots: dict[str, NDArray[np.float64]]


def sketches(steps: Sequence[Step], shapes: Shapes) -> tuple[Sketch, ...]:
    """The first faults of each step."""
    found: list[Sketch] = []
    tree = shapely.STRtree(shapes)
    for step in steps:
        drawable = [
            (uid, shape)
            for f in step.findings
            if f.fault
            for uid, shape in zip(f.uids[: 9 * _PER_STEP], f.shapes, strict=False)
            if shape is not None and not shapely.is_empty(shape)
        ]
        for uid, shape in drawable[:_PER_STEP]:
            window = _around(shapely.bounds(shape))
            near = shapes[tree.query(shapely.box(*window))]
            near = near[shapely.is_valid(near)]
            cut = shapely.simplify(
                shapely.clip_by_rect(near, *window), (window[2] - window[0]) / _GRAIN
            )
            found.append(Sketch(step.name, uid, window, shape, tuple(cut)))
    return tuple(found)


def overview(steps: Sequence[Step], shapes: Shapes) -> Overview | None:
    """Where the faults are; None when none has a place."""
    spots = {}
    for step in steps:
        drawn = [s for f in step.findings if f.fault for s in f.shapes if s is not None]
        places = _middles(np.array([s for s in drawn if not s.is_empty], dtype=object))
        if len(places):
            spots[step.name] = places[:: len(places) // _DOTS + 1]
    known = shapes[~shapely.is_missing(shapes)]
    if not spots or len(known) == 0:
        return None
    dots = _middles(known[:: len(known) // _DOTS + 1])
    corners = np.concatenate([shapely.total_bounds(known).reshape(2, 2), *spots.values()])
    window = _around(np.concatenate([corners.min(axis=0), corners.max(axis=0)]), margin=1.05)
    return Overview(window, dots, spots)


def _middles(shapes: Shapes) -> NDArray[np.float64]:
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    return np.asarray((bounds[:, :2] + bounds[:, 2:]) / 2)


def _around(bounds: NDArray[np.float64], margin: float = _MARGIN) -> Window:
    """A square window around bounds."""
    west, south, east, north = bounds
    half = max(margin * max(east - west, north - south), _LEAST_M) / 2
    x, y = (west + east) / 2, (south + north) / 2
    return float(x - half), float(y - half), float(x + half), float(y + half)


# --- drawing --------------------------------------------------------------------------------------


def draw_sketch(sketch: Sketch, size: int = 220) -> str:
    """A sketch as an SVG element."""
    scale = _Scale(sketch.window, size)
    around = "".join(
        f'<path d="{scale.path(s)}" fill="#eef1ec" stroke="#8d968a" fill-rule="evenodd"/>'
        for s in sketch.around
    )
    fault = _mark(sketch.fault, scale)
    width = sketch.window[2] - sketch.window[0]
    label = f'<text x="6" y="{size - 7}" font-size="11" fill="#444">{width:,.0f} m wide</text>'
    return _svg(size, around + fault + label)


def draw_overview(view: Overview, size: int = 420) -> str:
    """An overview as an SVG element; each step has its colour."""
    scale = _Scale(view.window, size)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6" fill="#b9c2b5"/>' for x, y in scale(view.dots)
    )
    spots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="none" stroke-width="1.6" '
        f'stroke="{color_of(i)}"/>'
        for i, places in enumerate(view.spots.values())
        for x, y in scale(places)
    )
    return _svg(size, dots + spots)


def color_of(number: int) -> str:
    """Colour of a step in the overview."""
    return _COLORS[number % len(_COLORS)]


class _Scale:
    """From map coordinates to pixels of a square picture."""

    def __init__(self, window: Window, size: int) -> None:
        self.west, _, east, self.north = window
        self.factor = size / (east - self.west)

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        x = (points[:, 0] - self.west) * self.factor
        y = (self.north - points[:, 1]) * self.factor
        return np.stack([x, y], axis=1)

    def path(self, shape: Any) -> str:
        """The lines of a geometry as path data."""
        edges = [shapely.boundary(p) if p.area else p for p in _simple(shape)]
        lines = shapely.get_parts(np.array(edges, dtype=object))
        return " ".join(self._line(shapely.get_coordinates(line)) for line in lines)

    def _line(self, points: NDArray[np.float64]) -> str:
        return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in self(points))


def _simple(shape: Any) -> Iterable[Any]:
    """Points, lines and polygons that a geometry consists of."""
    parts: list[Any] = list(shapely.get_parts(shape))
    if any(hasattr(p, "geoms") for p in parts):
        return [q for p in parts for q in _simple(p)]
    return parts


def _mark(shape: Any, scale: _Scale) -> str:
    """A fault in red; a small or thin one also in a circle, to be seen at all."""
    drawn = []
    for part in _simple(shape):
        kind = shapely.get_dimensions(part)
        if kind == 0:
            continue
        fill = "#b0002055" if kind == 2 else "none"
        drawn.append(
            f'<path d="{scale.path(part)}" fill="{fill}" stroke="#b00020" stroke-width="1.6" '
            'fill-rule="evenodd"/>'
        )
    west, south, east, north = shapely.bounds(shape)
    thin = shape.area < 0.02 * max(east - west, north - south) ** 2 or not shape.area
    if thin or max(east - west, north - south) * scale.factor < 12:
        middle = np.array([[(west + east) / 2, (south + north) / 2]])
        (x, y), radius = scale(middle)[0], max(east - west, north - south) * scale.factor / 2 + 9
        drawn.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="none" stroke="#b00020" '
            'stroke-dasharray="4 3"/>'
        )
    return "".join(drawn)


def _svg(size: int, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
        f'viewBox="0 0 {size} {size}" role="img">{content}</svg>'
    )
