"""The scene card: what lies in a virtual area, what changes, and what the satellites met."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray
from scipy import ndimage

from bocage.files import write_text
from bocage.grid import FINE
from bocage.legend import Legend
from bocage.simulate._pictures import maps, photos
from bocage.simulate._record import YearRecord
from bocage.simulate._separability import monthly_medians, separability
from bocage.simulate._statistics import HECTARE, change_matrix, class_areas
from bocage.simulate._tables import lands, rules

LEAST_CHANGE_HA = 0.5
"""Smallest patch of change that is counted: the minimum mapping unit."""

CLOSEST = 20
"""Pairs of classes that are listed as the hardest to tell apart."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Facts:
    """What a scene card tells.

    Attributes
    ----------
    region, size_km, seed, years
        What was simulated.
    legend
        Legend of the classes.
    classes
        Class index at 2.5 m by year, uint8, shape (y, x).
    inside
        Pixels in the sites, shape (y, x).
    records
        What the satellites met, by year.
    probes
        Sample places (see `_separability.choose_probes`): their class in column ``class``,
        in the order of the places in the records.
    """

    region: str
    size_km: float
    seed: int
    years: tuple[int, ...]
    legend: Legend
    classes: Mapping[int, NDArray[np.uint8]]
    inside: NDArray[np.bool_]
    records: Mapping[int, YearRecord]
    probes: pd.DataFrame


def write_card(out: Path, facts: Facts) -> None:
    """Write ``card.json`` and ``card.html`` (one file with all pictures).

    The same facts give the same bytes.

    Parameters
    ----------
    out
        Folder to write to.
    """
    card = describe(facts)
    write_text(out / "card.json", json.dumps(card, indent=1) + "\n")
    environment = Environment(
        loader=PackageLoader("bocage.simulate", "data"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("card.html.jinja").render(
        card=card,
        legend=facts.legend,
        present=_present(facts),
        maps=maps(facts),
        photos=photos(facts),
        charts={str(year): _chart(record) for year, record in facts.records.items()},
        months=MONTHS,
    )
    write_text(out / "card.html", page)


def describe(facts: Facts) -> dict[str, Any]:
    """The figures of a card as plain values, as in ``card.json``."""
    first, last = facts.years[0], facts.years[-1]
    areas = {year: class_areas(facts.classes[year][facts.inside]) for year in facts.years}
    codes = facts.legend.codes()
    return {
        "region": facts.region,
        "size_km": facts.size_km,
        "seed": facts.seed,
        "years": list(facts.years),
        "legend": facts.legend.id,
        "area_ha": round(float(np.count_nonzero(facts.inside)) * FINE**2 / HECTARE, 2),
        "areas_ha": {
            str(year): {
                str(code): round(float(area[i]), 4)
                for i, code in enumerate(codes, start=1)
                if area[i] > 0
            }
            for year, area in areas.items()
        },
        "change": _changes(facts, first, last),
        "clouds": {str(year): _clouds(record) for year, record in facts.records.items()},
        "separability": _separability(facts),
    }


def _changes(facts: Facts, first: int, last: int) -> dict[str, Any]:
    """Pairs of classes that changed, their areas and processes; size of the patches."""
    before, after = facts.classes[first], facts.classes[last]
    areas = change_matrix(before, after, facts.inside)
    codes = (0, *facts.legend.codes())
    np.fill_diagonal(areas, 0)
    order = np.argsort(-areas, axis=None, kind="stable")
    pairs = []
    for flat in order[: np.count_nonzero(areas)]:
        i, j = divmod(int(flat), areas.shape[1])
        pairs.append(
            {
                "from": codes[i],
                "to": codes[j],
                "ha": round(float(areas[i, j]), 4),
                "process": _processes().get((codes[i], codes[j]), ""),
            }
        )
    key = before.astype(np.int32) * 256 + after
    key[(before == after) | ~facts.inside] = 0
    sizes = _patch_sizes(key)
    counted = sizes[sizes >= LEAST_CHANGE_HA]
    return {
        "from": first,
        "to": last,
        "ha": round(float(areas.sum()), 4),
        "patches": int(counted.size),
        "median_ha": round(float(np.median(counted)), 3) if counted.size else 0.0,
        "pairs": pairs,
    }


def _patch_sizes(key: NDArray[np.int32]) -> NDArray[np.float64]:
    """Area in hectares of the patches of each value but 0, smallest first."""
    values, inverse = np.unique(key, return_inverse=True)
    # find_objects takes 0 for the background, as the key does where nothing changed.
    order = inverse.reshape(key.shape).astype(np.int32) + int(values[0] > 0)
    sizes = [np.zeros(0)]
    for number, box in enumerate(ndimage.find_objects(order), start=1):
        if box is not None:
            label, _ = ndimage.label(order[box] == number)
            count = np.bincount(label[label > 0])[1:]
            sizes.append(count.astype(np.float64) * (FINE * FINE / HECTARE))
    return np.sort(np.concatenate(sizes))


@cache
def _processes() -> dict[tuple[int, int], str]:
    """What happens where one class becomes another."""
    code = {land.key: land.code for land in lands()}
    found: dict[tuple[int, int], list[str]] = {}
    for rule in rules():
        known = found.setdefault((code[rule.source], code[rule.target]), [])
        if rule.process not in known:
            known.append(rule.process)
    return {pair: ", ".join(names) for pair, names in found.items()}


def _clouds(record: YearRecord) -> dict[str, Any]:
    """Passes of a year, which were kept, and how clear the months were."""
    month = np.array([int(d["date"][5:7]) for d in record.dates], int)
    kept = np.array([bool(d["kept"]) for d in record.dates], bool)
    cloud = np.array([float(d["cloud"]) for d in record.dates])
    rows = []
    for number in range(1, 13):
        mine = month == number
        rows.append(
            {
                "month": number,
                "passes": int(mine.sum()),
                "kept": int((mine & kept).sum()),
                "cloud": round(float(cloud[mine].mean()), 1) if mine.any() else None,
                "clear_looks": round(float((1 - cloud[mine & kept] / 100).sum()), 2),
            }
        )
    return {
        "passes": int(kept.size),
        "kept": int(kept.sum()),
        "cloud": round(float(cloud.mean()), 1) if kept.size else None,
        "cloud_kept": round(float(cloud[kept].mean()), 1) if kept.any() else None,
        "snow_dates": sum(d["kept"] and d["snow"] > 5 for d in record.dates),
        "flood_dates": sum(d["kept"] and d["flood"] > 0.2 for d in record.dates),
        "months": rows,
        "dates": list(record.dates),
    }


def _separability(facts: Facts) -> dict[str, Any]:
    """Distances between the classes in the spectra of the first year."""
    record = facts.records.get(facts.years[0])
    nothing: dict[str, Any] = {"codes": [], "distance": [], "closest": [], "median": None}
    if record is None or not record.probe_dates or not len(facts.probes):
        return nothing
    monthly = monthly_medians(record.probe_values, record.probe_dates)
    features = np.moveaxis(monthly, 1, 0).reshape(len(facts.probes), -1)
    whole = np.isfinite(features).all(axis=1)
    labels = facts.probes["class"].to_numpy(np.int64)[whole]
    if not labels.size:
        return nothing
    values, distance = separability(features[whole], labels)
    codes = [facts.legend.codes()[v - 1] for v in values]
    upper = [(i, j) for i in range(len(codes)) for j in range(i + 1, len(codes))]
    upper.sort(key=lambda pair: (distance[pair], pair))
    between = [float(distance[pair]) for pair in upper]
    return {
        "codes": codes,
        "distance": np.round(distance, 3).tolist(),
        "closest": [
            {"one": codes[i], "other": codes[j], "distance": round(float(distance[i, j]), 3)}
            for i, j in upper[:CLOSEST]
        ],
        "median": round(float(np.median(between)), 3) if between else None,
    }


def _present(facts: Facts) -> list[int]:
    """Leaf codes that occur in any year, in the order of the legend."""
    seen = np.zeros(256, bool)
    for classes in facts.classes.values():
        seen[np.unique(classes[facts.inside])] = True
    return [code for i, code in enumerate(facts.legend.codes(), start=1) if seen[i]]


def _chart(record: YearRecord) -> list[dict[str, Any]]:
    """Places of the passes in the cloud chart: x 0 … 1 over the year, cloud in per cent."""
    points = []
    for entry in record.dates:
        when = date.fromisoformat(entry["date"])
        begin = date(when.year, 1, 1)
        length = (date(when.year + 1, 1, 1) - begin).days
        points.append(
            {
                "x": round((when - begin).days / length, 5),
                "cloud": round(float(entry["cloud"]), 1),
                "kept": bool(entry["kept"]),
                "title": f"{entry['date']} {entry['platform']}, {entry['cloud']:.0f} % cloud",
            }
        )
    return points
