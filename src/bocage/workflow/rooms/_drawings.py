"""Small diagrams of the report as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

_POINTS = 120  # of a curve at most


def reliability(curve: list[dict[str, float]]) -> str:
    """Reliability diagram as an inline SVG drawing."""
    points = [
        (r["confidence"], r["accuracy"])
        for r in curve
        if r.get("n", 0) and r["accuracy"] is not None
    ]
    marks = "".join(
        f'<circle cx="{20 + 1.6 * c:.1f}" cy="{180 - 1.6 * a:.1f}" r="3"/>' for c, a in points
    )
    path = " ".join(f"{20 + 1.6 * c:.1f},{180 - 1.6 * a:.1f}" for c, a in points)
    return (
        '<svg viewBox="0 0 200 200" width="260" role="img" aria-label="reliability diagram">'
        '<rect x="20" y="20" width="160" height="160" fill="none" stroke="#999"/>'
        '<line x1="20" y1="180" x2="180" y2="20" stroke="#bbb" stroke-dasharray="4"/>'
        f'<polyline points="{path}" fill="none" stroke="#1b6b3a" stroke-width="2"/>'
        f'<g fill="#1b6b3a">{marks}</g>'
        '<text x="100" y="197" font-size="10" text-anchor="middle">stated confidence, %</text>'
        '<text x="8" y="100" font-size="10" text-anchor="middle" transform="rotate(-90 8 100)">'
        "right, %</text></svg>"
    )


def learning_curves(curves: Mapping[str, Sequence[float]]) -> str:
    """Loss of each network from the first to the last pass over its data, as an SVG drawing."""
    top = max((max(losses) for losses in curves.values() if losses), default=1.0) or 1.0
    lines = []
    for who, losses in curves.items():
        at = np.unique(np.linspace(0, len(losses) - 1, min(len(losses), _POINTS)).astype(int))
        path = " ".join(
            f"{30 + 250 * i / max(len(losses) - 1, 1):.1f},{150 - 130 * losses[i] / top:.1f}"
            for i in at
        )
        color = "#aaa" if who.startswith("trial") else "#1b6b3a"
        lines.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1">'
            f"<title>{who}</title></polyline>"
        )
    return (
        '<svg viewBox="0 0 300 170" width="390" role="img" aria-label="learning curves">'
        '<polyline points="30,20 30,150 280,150" fill="none" stroke="#999"/>'
        + "".join(lines)
        + f'<text x="26" y="24" font-size="9" text-anchor="end">{top:.1f}</text>'
        '<text x="26" y="153" font-size="9" text-anchor="end">0</text>'
        '<text x="155" y="166" font-size="10" text-anchor="middle">course of the training</text>'
        "</svg>"
    )
