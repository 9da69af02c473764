"""Results of several areas as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks._interval import half_width

MEASURES = ("oa", "macro_f1", "scrub", "wetland", "urban", "water")
_SHOWN = ("1", "2", "4")


def mean_difference(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean with an interval of 95 % of Student's t; without two values the interval is endless."""
    mean, half = float(np.mean(values)), half_width(values)
    return mean, mean - half, mean + half


def sampled_difference(rows: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Mean of differences with the interval of the points alone: these areas, other points.

    Parameters
    ----------
    rows
        Estimate, low and high end of each area's bootstrap; areas are independent, so half widths
        add up as squares.
    """
    array = np.asarray(rows, float)
    half = float(np.sqrt((((array[:, 2] - array[:, 1]) / 2) ** 2).sum()) / len(array))
    mean = float(array[:, 0].mean())
    return mean, mean - half, mean + half


def table(results: Sequence[dict[str, Any]], methods: Sequence[str]) -> str:
    """Scores in per cent by area and method, and the differences over all areas."""
    return "\n".join([*_scores(results, methods), "", *_differences(results, methods)])


def _scores(results: Sequence[dict[str, Any]], methods: Sequence[str]) -> Iterator[str]:
    yield f"| area | level | method | {' | '.join(MEASURES)} | ece |"
    yield "|" + "---|" * (4 + len(MEASURES))
    for result in results:
        area = f"{result['region']} {result['seed']}, {result['area_km2']:.1f} km²"
        for level in _SHOWN:
            for method in methods:
                row = result[method][level]
                cells = [_cell(row[m], *row[f"{m}_ci95"]) for m in MEASURES]
                ece = f"{100 * row['ece']:.1f}"
                yield f"| {area} | {level} | {method} | {' | '.join(cells)} | {ece} |"


def _differences(results: Sequence[dict[str, Any]], methods: Sequence[str]) -> Iterator[str]:
    yield f"bocage less another in points, mean of {len(results)} areas, [95 % of other points in "
    yield "these areas, paired bootstrap] and {95 % of other areas, Student's t}"
    yield ""
    yield f"| level | less | {' | '.join(MEASURES)} |"
    yield "|" + "---|" * (2 + len(MEASURES))
    for level in _SHOWN:
        for method in methods[1:]:
            rows = [r["difference"][method][level] for r in results]
            cells = [_mean_cell([row[m] for row in rows]) for m in MEASURES]
            yield f"| {level} | {method} | {' | '.join(cells)} |"


def _mean_cell(rows: Sequence[Sequence[float | None]]) -> str:
    here = [[v for v in row if v is not None] for row in rows]
    here = [row for row in here if len(row) == 3]
    if not here:
        return "–"
    text = _cell(*sampled_difference(here))
    if len(here) > 1:
        _, low, high = mean_difference([row[0] for row in here])
        text += f" {{{100 * low:.1f}, {100 * high:.1f}}}"
    return text + (f" (n {len(here)})" if len(here) < len(rows) else "")


def _cell(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "–"
    if low is None or high is None or not np.isfinite([low, high]).all():
        return f"{100 * value:.1f}"
    return f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
