"""The pictures of a scene card, as data addresses that stand in the page itself."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend

if TYPE_CHECKING:
    from bocage.simulate._card import Facts

MAP_PX = 900
"""Largest side of a map on the card in pixels."""

PHOTO_PX = 600
"""Largest side of an image on the card in pixels."""

PHOTO_QUALITY = 80
"""Quality of the JPEGs."""


def maps(facts: Facts) -> list[dict[str, str]]:
    """Truth of each year, and what changed, in the colours of the legend."""
    rows, columns = _frame(facts.inside)
    times = max(1, -(-max(rows.stop - rows.start, columns.stop - columns.start) // MAP_PX))
    window = (slice(rows.start, rows.stop, times), slice(columns.start, columns.stop, times))
    inside = facts.inside[window]
    palette = _palette(facts.legend)
    drawn = []
    for year in facts.years:
        shown = np.where(inside, facts.classes[year][window], np.uint8(OUTSIDE))
        drawn.append({"title": f"Truth {year}", "image": _indexed(shown, palette)})
    first, last = facts.years[0], facts.years[-1]
    if first != last:
        before, after = facts.classes[first][window], facts.classes[last][window]
        shown = np.where(before != after, after, np.uint8(UNCLASSIFIED))
        shown = np.where(inside, shown, np.uint8(OUTSIDE))
        title = f"Changed from {first} to {last}, in the colour of the new class"
        drawn.append({"title": title, "image": _indexed(shown, palette)})
    return drawn


def _frame(inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return slice(0, inside.shape[0]), slice(0, inside.shape[1])
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _palette(legend: Legend) -> list[int]:
    colors = np.full((256, 3), 255, np.uint8)
    colors[UNCLASSIFIED] = 205
    for index, leaf in enumerate(legend.classes, start=1):
        colors[index] = [int(leaf.color[i : i + 2], 16) for i in (1, 3, 5)]
    return [int(v) for v in colors.ravel()]


def _indexed(shown: NDArray[np.uint8], palette: list[int]) -> str:
    image = Image.fromarray(np.ascontiguousarray(shown), mode="L")
    image.putpalette(palette)
    return _data(image, "png", optimize=True)


def photos(facts: Facts) -> list[dict[str, str]]:
    """Natural colours of a clear date of each season."""
    shown = []
    for year in facts.years:
        record = facts.records.get(year)
        for day, look in sorted(record.quicklooks.items()) if record else ():
            image = Image.fromarray(np.ascontiguousarray(look), mode="RGB")
            image.thumbnail((PHOTO_PX, PHOTO_PX), Image.Resampling.BOX)
            shown.append({"title": day, "image": _data(image, "jpeg", quality=PHOTO_QUALITY)})
    return shown


def _data(image: Image.Image, kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()
