"""Scores of several areas as tables in Markdown, with differences between inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._accuracy_table import mean_difference

VIEWS = ("averaged", "single")
"""With the averaging of probabilities over neighbouring pixels, and without."""

PLAIN, OURS = "bicubic", "default"
CEILINGS = ("truth", "detail")

Area = dict[str, Any]


def table(areas: Sequence[Area]) -> str:
    """Means over areas by input, differences to bicubic, shares of the gap that are closed."""
    lines = []
    for view in VIEWS:
        lines += [*_means(areas, view), "", *_differences(areas, view), "", *_shares(areas, view)]
        lines.append("")
    return "\n".join([*lines, *_each(areas)])


def _values(areas: Sequence[Area], view: str, name: str, measure: str) -> NDArray[np.float64]:
    """A figure of an input in every area, per cent."""
    return 100 * np.array([a["scores"][name][view][measure] for a in areas], float)


def _names(areas: Sequence[Area]) -> list[str]:
    """Inputs that all areas have, in order."""
    return [n for n in areas[0]["scores"] if all(n in a["scores"] for a in areas)]


def _measures(areas: Sequence[Area]) -> list[str]:
    return list(next(iter(areas[0]["scores"].values()))[VIEWS[0]])


def _means(areas: Sequence[Area], view: str) -> Iterator[str]:
    measures = _measures(areas)
    yield f"{view}, per cent, mean of {len(areas)} areas"
    yield f"| input | {' | '.join(measures)} |"
    yield "|" + "---|" * (1 + len(measures))
    for name in _names(areas):
        cells = [_number(_mean(_values(areas, view, name, m))) for m in measures]
        yield f"| {name} | {' | '.join(cells)} |"


def _differences(areas: Sequence[Area], view: str) -> Iterator[str]:
    """Each input less bicubic; areas without a figure are left out of it."""
    names, measures = _names(areas), _measures(areas)
    if PLAIN not in names:
        return
    yield f"{view}, points ahead of {PLAIN}, mean and interval of 95 % (Student's t over areas)"
    yield f"| input | {' | '.join(measures)} |"
    yield "|" + "---|" * (1 + len(measures))
    for name in (n for n in names if n != PLAIN):
        away = (_values(areas, view, name, m) - _values(areas, view, PLAIN, m) for m in measures)
        yield f"| {name} | {' | '.join(_interval(v) for v in away)} |"


def _mean(values: NDArray[np.float64]) -> float:
    """Of the areas that have a figure, NaN without one."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _interval(values: NDArray[np.float64]) -> str:
    known = values[np.isfinite(values)]
    if not len(known):
        return "–"
    mean, _, high = mean_difference(known)
    return f"{mean:+.1f} ± {high - mean:.1f}" if np.isfinite(high) else f"{mean:+.1f}"


def _shares(areas: Sequence[Area], view: str) -> Iterator[str]:
    """Share of the way from bicubic to a ceiling that the default goes: of means over areas."""
    names = _names(areas)
    if not {PLAIN, OURS} <= set(names):
        return
    for ceiling in (c for c in CEILINGS if c in names):
        for measure in (m for m in _measures(areas) if m.startswith(("miou", "boundary"))):
            low, ours, high = (_values(areas, view, n, measure) for n in (PLAIN, OURS, ceiling))
            gap, gain = high - low, ours - low
            share = f"{100 * gain.mean() / gap.mean():.0f} %" if gap.mean() else "–"
            each = 100 * gain / np.where(gap == 0, np.nan, gap)
            listed = ", ".join(_number(v, 0) for v in each)
            yield f"{view}, {measure}: {share} of the gap to {ceiling} closed (by area {listed})"


def _each(areas: Sequence[Area]) -> Iterator[str]:
    names = _names(areas)
    shown = ("miou", "boundary_f1_5")
    yield f"By area, {' / '.join(shown)}, {VIEWS[0]}"
    yield f"| area | samples | classes | small, linear | {' | '.join(names)} |"
    yield "|" + "---|" * (4 + len(names))
    for area in areas:
        cells = [
            " / ".join(_number(100 * area["scores"][n][VIEWS[0]][m]) for m in shown) for n in names
        ]
        title = f"{area['region']} {area['seed']}, {area['area_km2']:.1f} km²"
        things = f"{area['objects']['small']}, {area['objects']['linear']}"
        yield (
            f"| {title} | {area['samples']} | {area['classes']} | {things} | {' | '.join(cells)} |"
        )


def _number(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "–"
