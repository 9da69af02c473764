"""Reference layers as rasters of allowed class sets on the 2.5 m grid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyogrio
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import Transformer
from rasterio.errors import RasterioIOError
from rasterio.features import rasterize

from bocage.errors import InputError
from bocage.files import existing
from bocage.legend import Legend
from bocage.rasters import open_error, read_onto
from bocage.samples._conditions import narrowed
from bocage.samples._rules import Source


class Labels(NamedTuple):
    """A raster of allowed class sets.

    Attributes
    ----------
    ids
        uint16 (y, x): 0 where there is no label, else 1 + position in `sets`.
    sets
        Sorted leaf codes that each id allows.
    """

    ids: NDArray[np.uint16]
    sets: tuple[tuple[int, ...], ...]


def label_raster(
    source: Source,
    geobox: GeoBox,
    legend: Legend,
    layers: Mapping[str, NDArray[np.float32]] | None = None,
) -> Labels:
    """Labels of a source on a pixel grid.

    A polygon labels the pixels whose centre it holds (the later of two overlapping ones);
    a raster is read with the nearest neighbour. The value 0, unless the crosswalk knows it,
    an empty attribute and the nodata values are no label, nor is a class that the crosswalk
    leaves out. Where the condition of a pair does not hold on its ancillary layer, the leaf is
    dropped from the set; without any leaf left there is no label.

    Parameters
    ----------
    source
        The reference layer.
    geobox
        Pixel grid, usually that of a block with its halo at 2.5 m.
    legend
        Legend that the crosswalk of the source leads to.
    layers
        Ancillary layers by name, shape of `geobox`, as `read_layers` gives them. A condition
        says nothing where its layer is NaN, or is not given.

    Returns
    -------
    Labels
        Ids of the shape of `geobox`; all 0 where the source does not reach.

    Raises
    ------
    InputError
        If the file cannot be read, has no CRS, lacks the field, or holds a value that
        the crosswalk does not know, or a layer has another shape than the grid.
    """
    for name, layer in (layers or {}).items():
        if layer.shape != (geobox.shape.y, geobox.shape.x):
            raise InputError(
                f"the ancillary layer '{name}' has the shape {layer.shape}, the pixel grid "
                f"{(geobox.shape.y, geobox.shape.x)}",
                remedy="read it on the pixel grid of the labels",
            )
    existing(source.path, f"samples source '{source.name}'")
    values, keys = _from_raster(source, geobox) if _is_raster(source) else _vector(source, geobox)
    return _translate(values, keys, source, legend, layers or {})


def _is_raster(source: Source) -> bool:
    if source.field is not None:
        return False
    try:
        with rasterio.open(source.path) as file:
            return int(file.count) > 0
    except RasterioIOError as error:
        if _layers(source.path):
            raise InputError(
                f"{source.path} is a vector file, and no field says which attribute is the class",
                remedy="give the field of the source",
            ) from error
        raise open_error(source.path, error) from error


def _layers(path: Path) -> list[str]:
    try:
        return [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except (DataSourceError, DataLayerError):
        return []


def _from_raster(source: Source, geobox: GeoBox) -> tuple[NDArray[np.intp], list[str | None]]:
    # Pixels that the file does not cover must not look like a class that the crosswalk knows.
    fill = 255.0 if source.crosswalk.knows(0) else None
    with rasterio.open(source.path) as file:
        nodata = file.nodata
    data = read_onto(
        source.path,
        geobox,
        fill=nodata if nodata is not None else fill,
        what=f"samples source '{source.name}'",
    )
    values, inverse = np.unique(data.values, return_inverse=True)
    blank = {source.nodata, nodata, fill}
    keys = [None if v in blank or v != v else _key(v) for v in values.tolist()]
    return inverse.reshape(data.shape) + 1, [None, *keys]


def _vector(source: Source, geobox: GeoBox) -> tuple[NDArray[np.intp], list[str | None]]:
    frame = _read_polygons(source, geobox)
    shape = (geobox.shape.y, geobox.shape.x)
    codes, uniques = pd.factorize(frame[source.field])
    keys = [None if v == source.nodata else _key(v) for v in uniques.tolist()]
    pairs = [(g, int(c) + 1) for g, c in zip(frame.geometry, codes, strict=True) if c >= 0]
    if not pairs:
        return np.zeros(shape, dtype=np.intp), [None]
    raster = rasterize(pairs, shape, transform=Affine(*geobox.affine[:6]), fill=0, dtype="int32")
    return raster.astype(np.intp), [None, *keys]


def _read_polygons(source: Source, geobox: GeoBox) -> Any:
    try:
        info = pyogrio.read_info(source.path, layer=source.layer)
    except (DataSourceError, DataLayerError) as error:
        raise InputError(
            f"{source.path} cannot be read as a vector file: {error}",
            remedy=f"its layers are {', '.join(_layers(source.path)) or 'none'}",
        ) from error
    if source.field not in info["fields"]:
        raise InputError(
            f"{source.path} has no field '{source.field}'",
            remedy=f"its fields are {', '.join(info['fields'])}",
        )
    if info["crs"] is None:
        raise InputError(f"{source.path} has no coordinate reference system", remedy="assign one")
    box = geobox.boundingbox
    bounds = Transformer.from_crs(str(geobox.crs), info["crs"], always_xy=True).transform_bounds(
        box.left, box.bottom, box.right, box.top
    )
    frame = pyogrio.read_dataframe(
        source.path, layer=source.layer, columns=[source.field], bbox=bounds
    )
    frame = frame[~frame.geometry.isna() & ~frame.geometry.is_empty].to_crs(str(geobox.crs))
    if (shapely.get_dimensions(frame.geometry.to_numpy()) != 2).any():
        raise InputError(
            f"{source.path} holds points or lines", remedy="samples are drawn from polygons"
        )
    return frame


def _key(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _translate(
    values: NDArray[np.intp],
    keys: list[str | None],
    source: Source,
    legend: Legend,
    layers: Mapping[str, NDArray[np.float32]],
) -> Labels:
    present = np.bincount(values.ravel(), minlength=len(keys)) > 0
    crosswalk = source.crosswalk
    sets: dict[tuple[int, ...], int] = {(): 0}
    table = np.zeros(len(keys), dtype=np.uint16)
    split: list[tuple[tuple[int, ...], NDArray[np.intp]]] = []
    for i, key in enumerate(keys):
        if key is None or not present[i] or not _is_class(key, source, legend):
            continue
        allowed = tuple(sorted(set(crosswalk.to_legend(key))))
        for code in allowed:
            legend.index(code)
        said = {leaf: crosswalk.conditions.get((leaf, key), ()) for leaf in allowed}
        if any(condition.layer in layers for cs in said.values() for condition in cs):
            split += narrowed(allowed, said, layers, np.flatnonzero(values == i))
        else:
            table[i] = sets.setdefault(allowed, len(sets))
    ids = table[values]
    for left, at in split:
        ids.flat[at] = sets.setdefault(left, len(sets))
    return Labels(ids, tuple(sets)[1:])


def _is_class(key: str, source: Source, legend: Legend) -> bool:
    """Whether a value is a class, which the crosswalk must know then."""
    if key == "":
        return False
    if source.crosswalk.knows(key):
        return True
    if key == "0":
        return False
    raise InputError(
        f"{source.path}: value {key} is a class that is not in the legend "
        f"'{legend.id}' nor in the crosswalk '{source.crosswalk.id}'",
        remedy="add it to the crosswalk (with the code 0 if it is to have no label), or give it "
        "as the nodata value of the source",
    )
