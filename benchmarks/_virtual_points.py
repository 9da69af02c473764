"""Points of a virtual area: what a satellite sees there, the truth, and what layers say."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks._virtual import legend
from benchmarks.virtual_separability import USED, YEAR, majority, monthly_features
from bocage.grid import FINE
from bocage.legend import load_crosswalk
from bocage.samples import Fused, SamplingRules, Source, fold_of, fuse, label_raster
from bocage.samples._places import border_distance
from bocage.simulate._change import rewind
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._expose import textures
from bocage.simulate._film import load_films
from bocage.simulate._landscape import Landscape, build_landscape
from bocage.simulate._paint import mixing_fields
from bocage.simulate._reference import reference_layers, write_references
from bocage.simulate._separability import monthly_medians
from bocage.simulate._simulate import AGED
from bocage.simulate._tables import BANDS, class_table, region
from bocage.simulate._year import write_year

RANDOM = 6000
"""Random pixels of an area."""
MOST = 300
"""Pixels of a label of the reference layers."""
RULES = SamplingRules(fold_m=500)
LAYERS = (("n2k2018.gpkg", "n2k2018", "code_4_18", 3), ("clcplus.tif", "clcplus", None, 2))
"""File, crosswalk, field and reliability of the layers that a virtual project samples from."""


@dataclass(frozen=True)
class Points:
    """Pixels of 10 m.

    Attributes
    ----------
    features
        float32 (n, feature): bands and indices of all months.
    truth
        uint8 (n,): class index of most of the pixel.
    allowed
        bool (n, class): classes that the reference layers allow; none: no label.
    xy
        float64 (n, 2): EPSG:3035, metres.
    """

    features: NDArray[np.float32]
    truth: NDArray[np.uint8]
    allowed: NDArray[np.bool_]
    xy: NDArray[np.float64]

    @property
    def fold(self) -> NDArray[np.int8]:
        """Spatial fold of each point."""
        return fold_of(self.xy[:, 0], self.xy[:, 1], RULES)

    def take(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> Points:
        """Some of the points."""
        return Points(
            self.features[chosen], self.truth[chosen], self.allowed[chosen], self.xy[chosen]
        )


@dataclass(frozen=True)
class Area:
    """Points of one area: drawn by the labels of its layers, and at random."""

    labelled: Points
    random: Points


def virtual_area(name: str, size_km: float, seed: int) -> Area:
    """Simulate an area, its layers and a year of images, and look at points of it.

    Labelled points keep the distance of the sampling rules from borders of the labels.
    """
    countryside = region(name)
    domain = Domain.around(countryside.place, size_km)
    scoped = Seed(seed, name)
    landscape = build_landscape(domain, countryside, scoped)
    table = class_table(legend())
    films = load_films(domain)
    truth, rows, columns = majority(table[landscape.land], films[0], domain)
    with tempfile.TemporaryDirectory() as folder:
        fused = _labels(Path(folder), landscape, table, scoped)
        at = np.floor(rows).astype(int), np.floor(columns).astype(int)
        ids, depth = fused.ids[at], border_distance(fused.ids)[at]
        order = scoped.rng("points").permutation(len(truth))
        deep = order[(depth[order] >= RULES.centroid_border_m) & (ids[order] > 0)]
        rank = pd.Series(ids[deep]).groupby(ids[deep]).cumcount().to_numpy()
        drawn = (deep[rank < MOST], order[:RANDOM])
        chosen = np.concatenate(drawn)
        probes = pd.DataFrame({"x": columns[chosen] * FINE, "y": rows[chosen] * FINE})
        layers = (mixing_fields(domain, scoped), *textures(domain, scoped))
        _, record = write_year(
            Path(folder), landscape, layers, films, YEAR, scoped, lambda _: None, probes=probes
        )
    bands = [BANDS.index(b) for b in USED]
    monthly = monthly_medians(record.probe_values[:, :, bands], record.probe_dates)
    allowed = np.zeros((len(fused.sets) + 1, len(legend().codes())), bool)
    for number, codes in enumerate(fused.sets, start=1):
        allowed[number, [legend().index(c) - 1 for c in codes]] = True
    xy = np.column_stack([domain.west + columns * FINE, domain.north - rows * FINE])
    every = Points(monthly_features(monthly), truth[chosen], allowed[ids[chosen]], xy[chosen])
    seen = np.isfinite(every.features).all(axis=1)
    first = np.arange(len(chosen)) < len(drawn[0])
    return Area(every.take(seen & first), every.take(seen & ~first))


def _labels(folder: Path, landscape: Landscape, table: NDArray[np.uint8], seed: Seed) -> Fused:
    """The labels that a project would sample from."""
    domain = landscape.domain
    whole = np.ones(landscape.land.shape, bool)
    older = table[rewind(landscape, whole, AGED, seed)]
    truth = {YEAR: table[landscape.land]}
    layers = reference_layers(truth, older, landscape, None, legend(), seed)
    write_references(folder, layers, domain)
    sources = [
        Source(folder / "reference" / file, load_crosswalk(name, legend()), weight, field)
        for file, name, field, weight in LAYERS
    ]
    rasters = [label_raster(source, domain.geobox(FINE), legend()) for source in sources]
    return fuse(rasters, [source.reliability for source in sources])
