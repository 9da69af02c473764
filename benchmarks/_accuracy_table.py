"""Results of several areas as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import stats

MEASURES = ("oa", "macro_f1", "scrub", "wetland", "urban", "water")
_SHOWN = ("1", "2", "4")


def mean_difference(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean with an interval of 95 % of Student's t; without two values the interval is endless."""
    array = np.asarray(values, float)
    if len(array) < 2:
        return float(array.mean()), -np.inf, np.inf
    half = float(stats.t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)))
    mean = float(array.mean())
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
    yield f"bocage less another in points, mean of {len(results)} areas [95 %, Student's t]"
    yield ""
    yield f"| level | less | {' | '.join(MEASURES)} |"
    yield "|" + "---|" * (2 + len(MEASURES))
    for level in _SHOWN:
        for method in methods[1:]:
            cells = []
            for m in MEASURES:
                values = [r["difference"][method][level][m][0] for r in results]
                here = [v for v in values if v is not None]
                text = _cell(*mean_difference(here)) if here else "–"
                cells.append(text + (f" (n {len(here)})" if len(here) < len(values) else ""))
            yield f"| {level} | {method} | {' | '.join(cells)} |"


def _cell(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "–"
    if low is None or high is None or not np.isfinite([low, high]).all():
        return f"{100 * value:.1f}"
    return f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
