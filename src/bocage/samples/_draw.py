"""Drawing cubes of points from fused labels, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.grid import FINE, Block
from bocage.legend import Legend
from bocage.samples._conditions import read_layers
from bocage.samples._cubes import cube_names, cube_offsets, fold_of
from bocage.samples._fuse import Fused, fuse
from bocage.samples._labels import label_raster
from bocage.samples._places import Fields, allowed_places, fields_of, reach
from bocage.samples._rules import SamplingRules, Source
from bocage.samples._table import empty_samples, samples_frame


def draw_samples(
    sources: Sequence[Source],
    block: Block,
    area: BaseGeometry,
    legend: Legend,
    rules: SamplingRules,
    *,
    region: str,
    seed: int,
    exclude: BaseGeometry | None = None,
    layers: Mapping[str, Path] | None = None,
) -> gpd.GeoDataFrame:
    """Draw labelled points in a block.

    In each cell and for each label (a set of allowed leaves), first a cube at the deepest point of
    each patch, patches in random order, then cubes at random places, up to
    `rules.cubes_per_cell`, or what `rules.enrich` says. Places near a class border are never
    taken, so a class whose patches are all too narrow gets none unless it is protected (see
    `summary`).

    Parameters
    ----------
    sources
        Reference layers.
    block
        The block; labels are read with its halo, so that border distances hold at its edge.
    area
        Sites, EPSG:3035. All points lie inside.
    legend
        Legend of the labels.
    rules
        Drawing scheme.
    region
        Name that goes to the ``region`` column.
    seed
        Seed; the draw of a cell depends on the seed, the cell and the labels in it alone.
    exclude
        Places that no cube may touch, such as test areas, EPSG:3035.
    layers
        Rasters of the ancillary layers that the conditions of the crosswalks name, by name. A
        condition on another layer says nothing.

    Returns
    -------
    geopandas.GeoDataFrame
        Samples table (`COLUMNS`), points in EPSG:3035 in the order of cells and cubes.

    Raises
    ------
    InputError
        If there is no source, the block does not hold whole cells, or a source is wrong (see
        `label_raster`).
    """
    if not sources:
        raise InputError("no source to draw samples from", remedy="fill samples.sources")
    if block.size % rules.cell_m or block.west % rules.cell_m or block.south % rules.cell_m:
        raise InputError(
            f"block {block.id} does not hold whole cells of {rules.cell_m} m",
            remedy="use a cell size that divides the block",
        )
    geobox = block.geobox(FINE, halo=True)
    named = [name for source in sources for name in source.crosswalk.layers]
    values = read_layers(layers or {}, named, geobox)
    labels = [label_raster(source, geobox, legend, values) for source in sources]
    fused = fuse(labels, [source.reliability for source in sources])
    if not fused.sets:
        return empty_samples()
    transform = Affine(*geobox.affine[:6])
    allowed = allowed_places(area, exclude, fused.ids.shape, transform, reach(rules))
    cubes = _draw_cells(block, fields_of(fused, allowed, rules), rules, seed)
    if len(cubes) == 0:
        return empty_samples()
    return _points(cubes, fused, transform, rules, (block.id, region, [s.name for s in sources]))


def _draw_cells(block: Block, fields: Fields, rules: SamplingRules, seed: int) -> NDArray[np.int64]:
    """Rows and columns of the cubes' centres in the grid with halo, shape (n, 2)."""
    side = round(rules.cell_m / FINE)
    halo = round(block.halo / FINE)
    count = block.size // rules.cell_m
    # The centre keeps half a cube and half the spacing from the edge of its cell.
    margin = int(np.ceil((rules.cube_m / 2 + rules.spacing_m / 2) / FINE - 0.5))
    found: list[NDArray[np.int64]] = []
    for i in range(count):
        for j in range(count):
            top, left = halo + i * side, halo + j * side
            window = np.s_[top + margin : top + side - margin, left + margin : left + side - margin]
            cell = (block.west // rules.cell_m + j, block.south // rules.cell_m + count - 1 - i)
            rng = np.random.default_rng([seed & 0xFFFFFFFF, *(c & 0xFFFFFFFF for c in cell)])
            offset = np.array([top + margin, left + margin])
            found.extend(offset + place for place in _draw_cell(fields, window, rules, rng))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _draw_cell(
    fields: Fields, window: tuple[slice, slice], rules: SamplingRules, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    ids, depth, patch = fields.ids[window], fields.depth[window], fields.patch[window]
    cubes: list[NDArray[np.int64]] = []
    # Few places first: a rare label must not lose its place to a common one.
    labels, sizes = np.unique(ids[fields.central[window]], return_counts=True)
    for label in labels[np.argsort(sizes, kind="stable")].tolist():
        own = ids == label
        limit = len(cubes) + fields.most[label]
        heart = np.argwhere(own & fields.central[window])
        group = patch[tuple(heart.T)]
        for number in rng.permutation(np.unique(group)).tolist():
            if len(cubes) == limit:
                break
            places = _clear(heart[group == number], cubes, rules)
            if len(places):
                deep = depth[tuple(places.T)]
                cubes.append(rng.choice(places[deep == deep.max()]))
        places = _clear(np.argwhere(own & fields.random[window]), cubes, rules)
        while len(cubes) < limit and len(places):
            cubes.append(rng.choice(places))
            places = _clear(places, cubes[-1:], rules)
    return cubes


def _clear(
    places: NDArray[np.int64], cubes: list[NDArray[np.int64]], rules: SamplingRules
) -> NDArray[np.int64]:
    """The places whose cube keeps the spacing from all given cubes."""
    for cube in cubes:
        gap = np.maximum(np.abs(places - cube) * FINE - rules.cube_m, 0)
        places = places[np.hypot(gap[:, 0], gap[:, 1]) >= rules.spacing_m]
    return places


def _points(
    cubes: NDArray[np.int64],
    fused: Fused,
    transform: Affine,
    rules: SamplingRules,
    origin: tuple[str, str, list[str]],
) -> gpd.GeoDataFrame:
    """The points of the cubes as a samples table."""
    block, region, names = origin
    dx, dy = cube_offsets(rules)
    x0 = transform.c + (cubes[:, 1] + 0.5) * FINE
    y0 = transform.f - (cubes[:, 0] + 0.5) * FINE
    x, y = (x0[:, None] + dx).ravel(), (y0[:, None] + dy).ravel()
    each = len(dx)
    cube = cube_names(x0, y0)
    at = (
        np.floor((transform.f - y) / FINE).astype(int),
        np.floor((x - transform.c) / FINE).astype(int),
    )
    label = np.repeat(fused.ids[tuple(cubes.T)], each) - 1
    codes = np.array([s[0] if len(s) == 1 else 0 for s in fused.sets])
    allowed = np.array([";".join(map(str, s)) for s in fused.sets], dtype=object)
    columns: dict[str, object] = {
        "sample_id": [f"{c}P{i}" for c in cube for i in range(each)],
        "cube": np.repeat(np.array(cube, dtype=object), each),
        "code": codes[label],
        "allowed": allowed[label],
        "weight": fused.weight[at],
        "source": np.array(names, dtype=object)[fused.leader[at]],
        "reliability": fused.reliability[at],
        "region": region,
        "fold": np.repeat(fold_of(x0, y0, rules), each),
        "block": block,
        "year": 0,
    }
    return samples_frame(columns, x, y)
