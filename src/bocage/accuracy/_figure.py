"""The confusion matrix as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bocage.accuracy._result import UNKNOWN, Assessment
from bocage.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NUMBERS = 25  # classes up to which the cells are written out


def write_confusion(path: Path | str, assessment: Assessment, *, title: str = "") -> Path:
    """Draw the area-weighted confusion matrix with the accuracies of the classes.

    Cells are shares of the mapped area of their row (map class), in percent, so that the
    diagonal is the user's accuracy; the bars beside it are user's and producer's accuracy with
    their intervals of 95 %.

    Parameters
    ----------
    path
        The figure; its suffix decides the format (.png, .svg, .pdf).
    assessment
        What is drawn.
    title
        Heading; by default the overall accuracy.
    """
    from matplotlib import rc_context  # takes longer to load than all the rest
    from matplotlib.figure import Figure

    path = Path(path)
    count = len(assessment.confusion.columns)
    side = 2.5 + 0.4 * min(count, 10) + 0.17 * max(count - 10, 0)
    figure = Figure(figsize=(1.6 * side + 1, side + 0.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _matrix(left, assessment)
    _bars(right, assessment)
    low, high = assessment.oa_ci95
    said = f"overall accuracy {100 * assessment.oa:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    figure.suptitle(f"{title + ': ' if title else ''}{said}, n = {assessment.n}")
    # The date, and identifiers drawn by chance, would give the same figure other bytes every time.
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    with atomic_path(path) as part, rc_context({"svg.hashsalt": "bocage"}):
        figure.savefig(part, dpi=120, metadata=undated)
    return path


def _matrix(axes: Axes, assessment: Assessment) -> None:
    table = assessment.proportions
    cells = 100 * table.to_numpy()
    total = cells.sum(axis=1, keepdims=True)
    cells = np.divide(100 * cells, total, out=np.zeros_like(cells), where=total > 0)
    axes.imshow(cells, cmap="Greens", vmin=0, vmax=100, aspect="auto")
    names = assessment.per_class.set_index("code")["name"]
    rows = ["unclassified" if c == UNKNOWN else f"{c} {names[c]}"[:34] for c in table.index]
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_xticks(range(len(table.columns)), [str(c) for c in table.columns], rotation=90)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_ylabel("map")
    axes.set_xlabel("reference")
    if len(table.columns) > _MOST_NUMBERS:
        return
    for (row, column), value in np.ndenumerate(cells):
        if value >= 0.05:
            color = "white" if value > 60 else "black"
            axes.text(
                column, row, f"{value:.1f}", ha="center", va="center", fontsize=7, color=color
            )


def _bars(axes: Axes, assessment: Assessment) -> None:
    table = assessment.per_class
    place = np.arange(len(table))
    kinds = (("ua", "user's accuracy", -0.18, "#1b6e3c"), ("pa", "producer's", 0.18, "#3465a4"))
    for key, label, shift, color in kinds:
        value, known = 100 * table[key].to_numpy(), table[key].notna().to_numpy()
        spread = np.abs(100 * table[[f"{key}_low", f"{key}_high"]].to_numpy().T - value)
        axes.barh(
            place[known] + shift,
            value[known],
            0.34,
            xerr=spread[:, known],
            color=color,
            label=label,
            error_kw={"lw": 1},
        )
    rows = len(assessment.proportions)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.set_yticks([])
    axes.set_xlabel("percent")
    axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False)
