"""The page about one super-resolved image: figures and pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

from bocage.files import write_text
from bocage.superres._bicubic import FACTOR, fill_nearest, repeat, upsample
from bocage.superres._judge import Judgement, as_reflectance

CROP = 64
"""Coarse pixels a side of a picture."""

COMPOSITES = (
    ("natural colours", ("B04", "B03", "B02")),
    ("near infrared, red, green", ("B08", "B04", "B03")),
    ("short-wave infrared, near infrared, red", ("B11", "B08", "B04")),
)

_WALD = ("psnr", "ssim", "sam", "ergas", "im_metric", "om_metric", "ha_metric")
_NATIVE = ("reflectance", "spectral", "spatial")


def write_report(
    path: Path | str, title: str, source: xr.DataArray, result: xr.DataArray, judged: Judgement
) -> Path:
    """Write the page.

    Parameters
    ----------
    path
        An ``.html`` file; it appears whole or not at all, and its pictures are in it.
    title
        What the image is called.
    source, result
        The image (band, y, x) and what was made of it.
    judged
        What `bocage.superres.judge` said about it.
    """
    page = Environment(
        loader=PackageLoader("bocage.superres", "data"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("report.html.jinja")
    text = page.render(
        title=title,
        backend=result.attrs.get("backend", ""),
        note=result.attrs.get("superres_note", ""),
        bands=[str(b) for b in source["band"].values],
        judged=judged,
        wald=_rows(judged.reduced, _WALD),
        native=_rows(judged.native, _NATIVE),
        side=0 if judged.window is None else judged.window[0].stop - judged.window[0].start,
        pictures=pictures(source, result),
    )
    return write_text(path, text)


def _rows(
    figures: Mapping[str, Mapping[str, float]], names: tuple[str, ...]
) -> list[tuple[str, list[float | None]]]:
    return [(backend, [values.get(n) for n in names]) for backend, values in figures.items()]


def pictures(source: xr.DataArray, result: xr.DataArray) -> list[dict[str, str]]:
    """The most varied places: as they came, interpolated, and super-resolved, as data addresses."""
    image, scale = as_reflectance(source)
    bands = [str(b) for b in source["band"].values]
    fine = result.values.astype(np.float32) * np.float32(scale)
    known = [(n, [bands.index(b) for b in c]) for n, c in COMPOSITES if all(b in bands for b in c)]
    known = known[:2] or [(bands[0], [0, 0, 0])]
    drawn = []
    rows, columns = _place(image)
    part, made = image[:, rows, columns], fine[:, *(_fine(s) for s in (rows, columns))]
    if not np.isfinite(part).any():
        return []
    for name, order in known:
        low, high = np.nanpercentile(part[order], (1, 99), axis=(1, 2))
        for how, shown in (
            ("source", repeat(part[order])),
            ("bicubic", upsample(fill_nearest(part[order]))),
            ("super-resolved", made[order]),
        ):
            stretched = (shown - low[:, None, None]) / np.maximum(high - low, 1e-6)[:, None, None]
            drawn.append({"title": f"{how}, {name}", "image": _png(stretched)})
    return drawn


def _fine(part: slice) -> slice:
    return slice(FACTOR * part.start, FACTOR * part.stop)


def _place(image: NDArray[np.float32]) -> tuple[slice, slice]:
    """The crop with the greatest spread among those with the fewest holes."""
    rows, columns = image.shape[1:]
    height, width = min(CROP, rows), min(CROP, columns)
    best, found = (-np.inf, -np.inf), (slice(0, height), slice(0, width))
    for top in range(0, rows - height + 1, max(height // 2, 1)):
        for left in range(0, columns - width + 1, max(width // 2, 1)):
            part = image[:, top : top + height, left : left + width]
            inside = np.isfinite(part)
            spread = float(part[inside].std()) if inside.any() else 0.0
            score = (float(inside.mean()), spread)
            if score > best:
                best = score
                found = (slice(top, top + height), slice(left, left + width))
    return found


def _png(shown: NDArray[np.float32]) -> str:
    gone = ~np.isfinite(shown).all(axis=0)
    grey = (255 * np.clip(np.nan_to_num(shown), 0, 1)).astype(np.uint8).transpose(1, 2, 0).copy()
    grey[gone] = 255
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
