"""The report: figures, maps, accuracy and cost of a run, as HTML and as JSON."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from bocage import __version__
from bocage.cubes import load_dataset
from bocage.files import write_text
from bocage.legend import OUTSIDE, Legend
from bocage.model import load_model
from bocage.rasters import read_raster
from bocage.workflow._engine import Piece
from bocage.workflow._ledger import Ledger, Record
from bocage.workflow._plan import Plan
from bocage.workflow.rooms._drawings import learning_curves, reliability
from bocage.workflow.rooms.assessment import (
    accuracy_pieces,
    accuracy_results,
    check_pieces,
    check_results,
)
from bocage.workflow.rooms.deliver import products_pieces

_HOUR_S = 60 * 60
_MOST_PX = 900  # side of a map in the report


def piece(plan: Plan, ledger: Ledger) -> Piece:
    """The report, made anew when a result or its cost has changed."""
    made = [p.outputs for p in (*check_pieces(plan), *accuracy_pieces(plan))]
    results = tuple(path for outputs in made for path in outputs)
    records = [r for r in ledger.records() if r.room != "report"]
    return Piece(
        room="report",
        id="report",
        work=write_report,
        arguments={"plan": plan, "records": records},
        outputs=(plan.report / "index.html", plan.report / "summary.json"),
        inputs=(*results, *(path for p in products_pieces(plan) for path in p.outputs)),
        settings={"cost": [(r.room, r.piece, r.seconds) for r in records]},
    )


def write_report(plan: Plan, records: list[Record]) -> None:
    """Write ``summary.json`` and ``index.html``."""
    summary = summarise(plan, records)
    write_text(plan.report / "summary.json", json.dumps(summary, indent=1))
    environment = Environment(
        loader=PackageLoader("bocage.workflow"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        summary=summary,
        version=__version__,
        maps=_maps(plan),
        classes=_class_rows(plan.legend, summary),
        diagrams={y: reliability(c) for y, c in summary["calibration"]["curves"].items()},
        model=_classifier(plan),
    )
    write_text(plan.report / "index.html", page)


def summarise(plan: Plan, records: list[Record]) -> dict[str, Any]:
    """The figures of a run as plain values (contract: ``report/summary.json``)."""
    measured = accuracy_results(plan)
    facts = {(r.room, r.piece): r.facts for r in records}
    return {
        "name": plan.project.name,
        "area_km2": round(plan.area_km2, 6),
        "years": list(plan.project.years),
        "legend": plan.legend.id,
        "rooms": _costs(records, plan.area_km2),
        "accuracy": {y: m["polygons"] for y, m in measured.items()},
        "accuracy_raster": {y: m["raster"] for y, m in measured.items()},
        "baselines": {
            y: {b: m[b] for b in plan.project.accuracy.baselines} for y, m in measured.items()
        },
        "calibration": {
            "ece": {y: m["ece"] for y, m in measured.items()},
            "curves": {y: m["reliability"] for y, m in measured.items()},
        },
        "model": facts.get(("model", "train"), {}).get("metrics", {}),
        "polygons": facts.get(("products", "deliver"), {}).get("polygons", {}),
        "deliveries": {
            f.name: facts.get(("products", f"deliver-{f.name}"), {}) for f in plan.further
        },
        "check": check_results(plan),
        "samples": sum(r.facts.get("samples", 0) for r in records if r.room == "samples"),
    }


def _costs(records: list[Record], area_km2: float) -> dict[str, dict[str, float]]:
    rooms: dict[str, dict[str, float]] = {}
    for record in records:
        if record.state != "done":
            continue
        row = rooms.setdefault(record.room, {"seconds": 0.0, "peak_rss_mb": 0.0})
        row["seconds"] += record.seconds
        row["peak_rss_mb"] = max(row["peak_rss_mb"], round(record.peak_rss_mb))
    for row in rooms.values():
        row["km2_per_hour"] = round(area_km2 * _HOUR_S / max(row["seconds"], 1e-3), 1)
        row["seconds"] = round(row["seconds"], 2)
    return rooms


def _maps(plan: Plan) -> list[dict[str, str]]:
    out, delivery, colors = plan.products, plan.delivery, palette(plan.legend)
    made = [{"title": f"Image {y}", "image": _png(composite(plan, y))} for y in delivery.years]
    for year in delivery.years:
        path = delivery.path(out, "raster", year, ".tif")
        made.append({"title": f"Classes {year}", "image": _png(colors[_thumbnail(path)])})
    for year in delivery.years:
        path = delivery.path(out, "confidence", year, ".tif")
        made.append({"title": f"Confidence {year}", "image": _png(_shades(_thumbnail(path)))})
    return made


def _classifier(plan: Plan) -> dict[str, Any]:
    """What the report says of the classifier, and how its networks learned."""
    facts = load_model(plan.file("model")).facts
    by_network: dict[str, list[float]] = {}
    for record in facts.curve:
        by_network.setdefault(str(record["who"]), []).append(float(record["loss"]))
    last = by_network.pop("network", [])
    drawn = {
        "loss of the networks that calibrate or teach": by_network,
        "loss of the network that maps": {"network": last} if last else {},
    }
    return {
        "engine": facts.engine,
        "absent": len(facts.absent),
        "classes": len(facts.codes),
        "months": facts.months,
        "bands": facts.bands,
        "curves": {title: learning_curves(curves) for title, curves in drawn.items() if curves},
    }


def _thumbnail(path: Path) -> NDArray[Any]:
    data = read_raster(path).values[0]
    step = max(1, -(-max(data.shape) // _MOST_PX))
    small: NDArray[Any] = data[::step, ::step]
    return small


def palette(legend: Legend) -> NDArray[np.uint8]:
    """Colour of each class index, uint8 (256, 3)."""
    colors = np.full((256, 3), 255, dtype=np.uint8)
    colors[0] = 160
    for index, leaf in enumerate(legend.classes, start=1):
        colors[index] = [int(leaf.color[i : i + 2], 16) for i in (1, 3, 5)]
    return colors


def _shades(percent: NDArray[np.uint8]) -> NDArray[np.uint8]:
    colors = mpl.colormaps["viridis"](np.clip(percent, 0, 100) / 100)[..., :3]
    shaded = (255 * colors).astype(np.uint8)
    shaded[percent == OUTSIDE] = 255
    return shaded


def composite(plan: Plan, year: int) -> NDArray[np.uint8]:
    """True (or else the first bands') colour of the clearest summer month, all blocks pasted."""
    from bocage.workflow.rooms.imagery import mosaic_file

    known = plan.project.imagery.bands
    natural = ["B04", "B03", "B02"]
    bands = natural if set(natural) <= set(known) else [known[0]] * 3
    tiles = {b: load_dataset(mosaic_file(plan, year, b)) for b in plan.blocks}
    summer = sorted(plan.project.imagery.months, key=lambda m: abs(m - 7))
    month = max(
        summer[:4],
        key=lambda m: sum(float((t["gap"].sel(month=m) == 0).mean()) for t in tiles.values()),
    )
    west, north = min(b.west for b in tiles), max(b.south + b.size for b in tiles)
    east, south = max(b.west + b.size for b in tiles), min(b.south for b in tiles)
    canvas = np.full((3, (north - south) // 10, (east - west) // 10), np.nan, np.float32)
    for block, data in tiles.items():
        edge, side = block.halo // 10, block.size // 10
        core = data["reflectance"].sel(month=month, band=bands).values
        row, column = (north - block.south - block.size) // 10, (block.west - west) // 10
        canvas[:, row : row + side, column : column + side] = core[
            :, edge : edge + side, edge : edge + side
        ]
    step = max(1, -(-max(canvas.shape) // _MOST_PX))
    canvas = canvas[:, ::step, ::step]
    if not np.isfinite(canvas).any():
        return np.full((*canvas.shape[1:], 3), 255, np.uint8)
    low, high = np.nanpercentile(canvas, (1, 99))
    scaled = np.clip((canvas - low) / max(high - low, 1e-3), 0, 1) ** 0.8
    pixels: NDArray[np.uint8] = np.nan_to_num(255 * scaled, nan=255.0).astype(np.uint8)
    return pixels.transpose(1, 2, 0)


def _png(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _class_rows(legend: Legend, summary: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for leaf in legend.classes:
        found = {}
        for year, levels in summary["accuracy"].items():
            table = levels[str(legend.levels)]["per_class"]
            found[year] = next((r for r in table if int(r["code"]) == leaf.code), None)
        if any(found.values()):
            rows.append({"code": leaf.code, "name": leaf.name, "color": leaf.color, "years": found})
    return rows
