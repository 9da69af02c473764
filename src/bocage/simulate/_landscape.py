"""The landscape: a kind of land and an object for every pixel of 2.5 m."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bocage.grid import FINE
from bocage.simulate._allocate import allocate, farm_land
from bocage.simulate._canvas import BARE, Canvas
from bocage.simulate._coast import look_along, paint_port, paint_sea, paint_strand
from bocage.simulate._domain import Domain, Seed
from bocage.simulate._hedges import paint_hedges
from bocage.simulate._noise import FloatArray, IntArray, fractal
from bocage.simulate._parcels import Parcels, field_parcels, stand_parcels, town_parcels
from bocage.simulate._specks import paint_airfield, paint_specks
from bocage.simulate._streams import STEP, Stream
from bocage.simulate._tables import Region, land_index
from bocage.simulate._terrain import Terrain, build_terrain
from bocage.simulate._towns import Town, Way, build_ways, place_towns
from bocage.simulate._water import paint_water, paint_ways, tidal


@dataclass(frozen=True)
class Landscape:
    """A finished landscape of one year, and the lines it was drawn with (local metres)."""

    domain: Domain
    region: Region
    land: NDArray[np.uint8]
    obj: IntArray
    cover: NDArray[np.uint8]
    angle: FloatArray
    height: FloatArray
    streams: tuple[Stream, ...]
    ways: tuple[Way, ...]
    towns: tuple[Town, ...]


def build_landscape(domain: Domain, region: Region, seed: Seed) -> Landscape:
    """The landscape of the first year."""
    terrain = build_terrain(domain, region, seed)
    towns = place_towns(domain, region, terrain, seed)
    features = {**terrain.features, "town": _nearness(domain, towns)}
    canvas = _parcel_canvas(domain, region, terrain, features, seed)
    strand = None
    if region.coast and terrain.shore:
        strand = look_along(domain, region.coast, terrain.shore, seed)
        paint_strand(canvas, region.coast, terrain.shore, strand)
    paint_specks(canvas, domain, region, seed)
    airfield = paint_airfield(canvas, domain, region, terrain, towns, seed)
    paint_towns(canvas, domain, region, towns, seed)
    streams = paint_water(canvas, domain, region, terrain, seed)
    if region.coast and strand:
        paint_sea(canvas, region.coast, strand, tidal(domain, region.coast, terrain, strand))
        paint_port(canvas, domain, strand, towns, seed)
    ways = build_ways(domain, region, terrain, towns, airfield, seed)
    paint_ways(canvas, domain, ways)
    return Landscape(
        domain,
        region,
        canvas.land,
        canvas.obj,
        canvas.cover,
        np.array(canvas.angle, np.float32),
        terrain.height,
        streams,
        ways,
        towns,
    )


def _nearness(domain: Domain, towns: tuple[Town, ...]) -> FloatArray:
    axis = domain.axis(STEP)
    near = np.zeros((axis.size, axis.size), np.float32)
    for town in towns:
        reach = town.radius + 2500
        rows, columns = (
            slice(*np.searchsorted(axis, [center - reach, center + reach]))
            for center in (town.y, town.x)
        )
        away = np.hypot(axis[rows, None] - town.y, axis[None, columns] - town.x) - town.radius
        pull = np.exp(-np.maximum(away, 0) / 350) * min(1, town.radius / 120)
        near[rows, columns] = np.maximum(near[rows, columns], pull)
    result: FloatArray = ((near - near.mean()) / max(float(near.std()), 1e-6)).astype(np.float32)
    return result


def _parcel_canvas(
    domain: Domain,
    region: Region,
    terrain: Terrain,
    features: dict[str, FloatArray],
    seed: Seed,
) -> Canvas:
    """Fields on the land that is farmed, stands of natural land on the rest."""
    times = round(STEP / FINE)
    ashore = ~np.repeat(np.repeat(terrain.sea, times, axis=0), times, axis=1)
    fields = field_parcels(domain, region, seed)
    chosen = farm_land(fields, ashore, domain, region, features, terrain.height, seed)
    farm = chosen[fields.label]
    place = (domain, region, features, terrain.height, seed)
    farmed = allocate(fields, farm & ashore, ("farm", "basin"), *place)
    stands = stand_parcels(domain, seed)
    grown = allocate(stands, ~farm & ashore, ("wild",), *place)
    land = np.where(farm, farmed[fields.label], grown[stands.label])
    obj = np.where(farm, fields.label, stands.label + np.int32(fields.count))
    canvas = Canvas(
        land.astype(np.uint8),
        obj.astype(np.int32),
        np.full(land.shape, BARE, np.uint8),
        [*fields.angle.tolist(), *stands.angle.tolist()],
    )
    _paint_basins(canvas)
    _paint_pits(canvas, domain, seed)
    paint_hedges(canvas, fields, farm, domain, region, seed)
    return canvas


def _paint_basins(canvas: Canvas) -> None:
    """Leave a dam of grass around every basin."""
    index = land_index()
    basins = np.isin(canvas.land, [index["fishpond"], index["reservoir"]])
    if not basins.any():
        return
    inner = basins & ~_edges(canvas.obj)
    deep = ndimage.distance_transform_edt(inner) * FINE > 6.5
    canvas.paint("grass_managed", (basins & ~deep).astype(np.int32))


def _edges(label: IntArray) -> NDArray[np.bool_]:
    """Pixels beside another label."""
    edge = np.zeros(label.shape, bool)
    right = label[:, 1:] != label[:, :-1]
    down = label[1:] != label[:-1]
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    edge[1:] |= down
    edge[:-1] |= down
    return edge


def _paint_pits(canvas: Canvas, domain: Domain, seed: Seed) -> None:
    """Water in the lowest parts of quarries."""
    quarry = canvas.land == land_index()["quarry"]
    if not quarry.any():
        return
    axis = domain.axis(FINE)
    deep = ndimage.distance_transform_edt(quarry) * FINE > 20
    low = fractal(axis, axis, 110, seed.at("pits"), octaves=3) > 0.55
    canvas.paint("pitwater", (quarry & deep & low).astype(np.int32))


def paint_towns(
    canvas: Canvas, domain: Domain, region: Region, towns: tuple[Town, ...], seed: Seed
) -> None:
    """Blocks of houses, works, parks and unused plots; hamlets are smaller than a block."""
    blocks, ratio = town_parcels(domain, towns)
    axis = domain.axis(FINE)
    ratio = ratio + 0.28 * fractal(axis, axis, 160, seed.at("towns", "outline"), octaves=3)
    size = np.bincount(blocks.label.ravel(), minlength=blocks.count)
    total = np.bincount(blocks.label.ravel(), ratio.ravel(), minlength=blocks.count)
    mean = total / np.maximum(size, 1)
    large = np.array([t.radius > 100 for t in towns])
    owner = _owners(blocks, domain, towns)
    outward = np.where(large[owner][blocks.label], mean[blocks.label], ratio)
    town = (blocks.label > 0) & (outward < 1)
    kind = _block_kinds(blocks, mean, large[owner], seed)
    first = canvas.new_objects(blocks.angle.tolist())
    canvas.land[town] = kind[blocks.label[town]]
    canvas.obj[town] = first + blocks.label[town]
    canvas.cover[town] = BARE


def _owners(blocks: Parcels, domain: Domain, towns: tuple[Town, ...]) -> NDArray[np.int64]:
    """Number of the nearest town of each block."""
    count = np.maximum(np.bincount(blocks.label.ravel(), minlength=blocks.count), 1)
    axis = domain.axis(FINE)
    rows = np.broadcast_to(axis[:, None], blocks.label.shape).ravel()
    columns = np.broadcast_to(axis[None, :], blocks.label.shape).ravel()
    y = np.bincount(blocks.label.ravel(), rows, minlength=blocks.count) / count
    x = np.bincount(blocks.label.ravel(), columns, minlength=blocks.count) / count
    away = np.stack([np.hypot(y - t.y, x - t.x) / t.radius for t in towns])
    owner: NDArray[np.int64] = np.argmin(away, axis=0)
    return owner


def _block_kinds(
    blocks: Parcels, ratio: NDArray[np.float64], large: NDArray[np.bool_], seed: Seed
) -> NDArray[np.uint8]:
    index = land_index()
    rng = seed.rng("towns", "blocks")
    kind = np.full(blocks.count, index["urban"], np.uint8)
    # Works and unused plots lie at the fringe, parks anywhere.
    fringe = ratio + rng.normal(0, 0.22, blocks.count)
    chance = rng.random(blocks.count)
    kind[~large & (chance < 0.2)] = index["industry"]
    inside = np.flatnonzero(large & (ratio < 1))
    order = inside[np.argsort(-fringe[inside], kind="stable")]
    works = max(1, round(0.15 * len(order)))
    unused = max(1, round(0.04 * len(order)))
    kind[order[:works]] = index["industry"]
    kind[order[works : works + unused]] = index["brownfield"]
    rest = order[works + unused :]
    parks = max(1, round(0.12 * len(order)))
    kind[rest[np.argsort(chance[rest], kind="stable")[:parks]]] = index["park"]
    return kind
