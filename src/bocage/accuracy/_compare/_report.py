"""The page of a comparison: pictures of both maps and of their difference, and the tables."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from bocage import __version__
from bocage.accuracy._compare._layers import Layer
from bocage.accuracy._compare._meaning import Meaning
from bocage.accuracy._compare._outcome import NOTHING, OUTCOMES
from bocage.accuracy._compare._result import Comparison
from bocage.accuracy._compare._run import Task
from bocage.files import write_text
from bocage.legend import Legend

_MOST_PX = 800  # side of a picture
_ROWS = 25  # pairs in the table


def write_page(path: Path, found: Comparison, task: Task, difference: Path) -> Path:
    """Write the page, whole in one file.

    Parameters
    ----------
    path
        The page.
    found
        The result.
    task
        What was compared, for the pictures.
    difference
        The difference map.
    """
    environment = Environment(
        loader=PackageLoader("bocage.accuracy"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pct"] = _percent
    area = {o.key: found.summary[f"{o.key}_ha"] for o in OUTCOMES}
    page = environment.get_template("compare.html.j2").render(
        found=found.to_dict(),
        outcomes=[(o, area[o.key]) for o in OUTCOMES if area[o.key] > 0],
        pairs=[r for r in found.to_dict()["pairs"] if r["relation"] == "different"][:_ROWS],
        pictures=_pictures(task, difference),
        colors=_class_colors(found.legend, found.level),
        version=__version__,
    )
    return write_text(path, page)


def _percent(value: float | None) -> str:
    if value is None:
        return "–"
    # What is nearly all or nearly nothing is not rounded to all or nothing.
    if 0 < value < 0.0005:
        return "< 0.1"
    return "> 99.9" if 0.9995 <= value < 1 else f"{100 * value:.1f}"


def _pictures(task: Task, difference: Path) -> list[dict[str, str]]:
    step = max(1, -(-max(task.box.shape) // _MOST_PX))
    rows, columns = (max(1, n // step) for n in task.box.shape)
    with rasterio.open(difference) as source:
        values = source.read(1, out_shape=(rows, columns))
    box = task.box.zoom_to((rows, columns))
    sides = ((task.a, task.meaning_a, "A"), (task.b, task.meaning_b, "B"))
    made = [
        {"title": f"{name}: {m.id}", "image": _png(_colored(layer, m, task.legend, box))}
        for layer, m, name in sides
    ]
    table = np.full((256, 3), 255, dtype=np.uint8)
    for outcome in OUTCOMES:
        table[outcome.value] = list(bytes.fromhex(outcome.color[1:]))
    table[NOTHING] = 255
    return [*made, {"title": "difference", "image": _png(table[values])}]


def _colored(layer: Layer, meaning: Meaning, legend: Legend, box: GeoBox) -> NDArray[np.uint8]:
    number = meaning.numbers(*layer.read(box))
    leaves = np.array([list(bytes.fromhex(c.color[1:])) for c in legend.classes], dtype=float)
    # A value that allows several classes has the mean of their colours.
    share = meaning.allowed / np.maximum(meaning.allowed.sum(axis=1, keepdims=True), 1)
    colors = np.vstack([[[160, 160, 160]], share @ leaves, [[255, 255, 255]]]).astype(np.uint8)
    return np.asarray(colors[np.where(number < 0, len(colors) - 1, number)], dtype=np.uint8)


def _class_colors(legend: Legend, level: int) -> dict[int, str]:
    return {code: legend.color(code, level) for code in legend.codes(level)}


def _png(pixels: NDArray[Any]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
