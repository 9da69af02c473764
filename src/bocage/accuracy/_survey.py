"""The whole account of a map: every level, region and protocol, and whether confidence is met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bocage.accuracy._assessment import assess_pairs
from bocage.accuracy._calibration import reliability
from bocage.accuracy._files import Part, choose, read_pairs
from bocage.accuracy._layers import read_regions, split_layer
from bocage.accuracy._result import Assessment, plain
from bocage.accuracy._values import to_level
from bocage.errors import InputError
from bocage.legend import Legend, load_legend


@dataclass(frozen=True, eq=False)
class Survey:
    """Accuracy of a map as one protocol finds it.

    Attributes
    ----------
    main
        At the level of the comparison, for the whole area.
    levels
        At each level down to it.
    regions
        By name of the set of regions, then of the region: at the level of the comparison.
    ece, reliability
        Calibration of the map's confidence on the same points (`bocage.accuracy.reliability`,
        weighted by area); NaN and None without one.
    others
        The other protocols of the same reference, each for itself.
    """

    main: Assessment
    levels: Mapping[int, Assessment]
    regions: Mapping[str, Mapping[str, Assessment]]
    ece: float = float("nan")
    reliability: pd.DataFrame | None = None
    others: Mapping[str, Survey] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: those of `main`, and the rest under keys of their own."""
        curve = None if self.reliability is None else self.reliability.to_dict(orient="records")
        found: dict[str, Any] = {
            **self.main.to_dict(),
            "levels": {str(k): _short(v) for k, v in self.levels.items()},
            "regions": {
                name: {region: _short(a) for region, a in each.items()}
                for name, each in self.regions.items()
            },
            "protocols": {k: v.to_dict() for k, v in (self.others or {}).items()},
        }
        found["confusion"]["proportions"] = self.main.proportions.to_numpy().tolist()
        if curve is not None:
            found["calibration"] = {"ece": plain(self.ece), "curve": curve}
        return found


def survey_files(
    map: Path | str,
    reference: Path | str,
    *,
    map_class: str | None = None,
    reference_class: str | None = None,
    strata: Path | str | None = None,
    level: int | None = None,
    legend: Legend | str | Path = "pa",
    protocol: str | None = None,
    regions: Sequence[Path | str] = (),
    region_field: str | None = None,
    confidence: Path | str | None = None,
) -> Survey:
    """Estimate the accuracy of a map file at every level, in regions, per protocol.

    Parameters
    ----------
    map, reference, map_class, reference_class, strata, level, legend
        As `assess_files`.
    protocol
        The points of this ``protocol`` only. By default each protocol is assessed for itself and
        the blind one comes first.
    regions
        Files of polygons (regions, sites, delivery units); each set is named by its file. Estimates
        of a region rest on the points in it and on the design of the whole sample.
    region_field
        Attribute with the name of the region.
    confidence
        Raster of the map's confidence, percent, 255 unknown (points only).

    Returns
    -------
    Survey

    Raises
    ------
    InputError
        As `assess_files`.
    """
    known = legend if isinstance(legend, Legend) else load_legend(legend)
    if level is not None:
        known.codes(level)
    named = {_stem(p): read_regions(p, region_field) for p in regions}
    if len(named) < len(regions):
        raise InputError("two files of regions have one name", remedy="rename one of them")
    parts = read_pairs(
        map,
        reference,
        map_class=map_class,
        reference_class=reference_class,
        strata=strata,
        level=level,
        legend=known,
        regions=named,
        confidence=confidence,
    )
    if protocol is not None:
        name, part = choose(parts, protocol, reference)
        parts = {name: part}
    filled = {name: part for name, part in parts.items() if part.pairs.mapped.size}
    empty = [name or "unnamed" for name in parts if name not in filled]
    # Points that are still to be interpreted; where there are no others that is an error.
    parts = filled or parts
    surveys = {name: _survey(part, name, level) for name, part in parts.items()}
    first, *rest = surveys
    others = {n or "unnamed": surveys[n] for n in rest}
    main = surveys[first].main.noted(*(f"no point of {n} has a reference class" for n in empty))
    return replace(surveys[first], main=main, others=others)


def _stem(path: Path | str) -> str:
    file, layer = split_layer(path)
    return layer or file.stem


def _survey(part: Part, protocol: str | None, level: int | None) -> Survey:
    level = part.legend.levels if level is None else level
    levels = {
        n: replace(assess_pairs(part.pairs, part.legend, n), protocol=protocol)
        for n in range(1, level + 1)
    }
    found: dict[str, dict[str, Assessment]] = {}
    for name, labels in part.pairs.groups.items():
        found[name] = {
            str(region): replace(
                assess_pairs(part.pairs, part.legend, level, within=labels == region),
                protocol=protocol,
            )
            for region in sorted(set(labels.tolist()) - {""})
        }
    ece, curve = _calibration(part, level)
    return Survey(levels[level], levels, found, ece, curve)


def _calibration(part: Part, level: int) -> tuple[float, pd.DataFrame | None]:
    if part.confidence is None:
        return float("nan"), None
    pairs, legend = part.pairs, part.legend
    right = to_level(pairs.mapped, legend, level) == to_level(pairs.reference, legend, level)
    sure = np.asarray(part.confidence)
    return reliability(sure, right, weights=pairs.weight)


def _short(assessment: Assessment) -> dict[str, Any]:
    left_out = ("confusion", "level", "protocol", "estimator")
    return {k: v for k, v in assessment.to_dict().items() if k not in left_out}
