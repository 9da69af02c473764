"""A static STAC catalogue from a folder of images."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from bocage.errors import InputError
from bocage.files import existing, write_text
from bocage.imagery._bands import NATIVE_M
from bocage.imagery._catalog_config import FolderConfig, load_folder_config
from bocage.imagery._scan import ImageFile, scan

_EXTENSIONS = [
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
]
_GEOTIFF = "image/tiff; application=geotiff"
_TYPES = {".tif": _GEOTIFF, ".tiff": _GEOTIFF, ".jp2": "image/jp2"}


def build_catalog(
    folder: Path | str,
    out: Path | str,
    *,
    collection: str = "sentinel-2-l2a",
    config: Path | str | None = None,
) -> Path:
    """Write a static STAC catalogue of a folder of images.

    Parameters
    ----------
    folder
        GeoTIFF or JPEG 2000 files, one multi-band file a date or one file a band, with or
        without files of a scene classification (``…_SCL.tif``) or a mask (``…_mask.tif``,
        other than zero = bad, asset key ``mask``). Dates come from the names (YYYYMMDD,
        YYYY-MM-DD, with or without time; YYYY-MM for a monthly composite) or the tag
        ``datetime``; band names from the descriptions, the suffix of the name (``_B02``) or
        the configuration.
    out
        The catalogue file. Collection and items lie in a folder of the same name beside it.
        Addresses of images are relative, so that both can be moved together.
    collection
        Identifier of the collection.
    config
        YAML, see `bocage.imagery._catalog_config.load_folder_config`.

    Returns
    -------
    pathlib.Path
        The catalogue file, written last.

    Raises
    ------
    InputError
        Naming files without georeference, date or band names, or whose sources of band names
        contradict each other.
    ConfigError
        If the configuration is wrong.

    Notes
    -----
    Offsets: images of a folder are taken as they are (offset 0 unless the file or the
    configuration gives one); give ``offset: -0.1`` for files with the DN of baseline 04.00.
    """
    folder = existing(folder, "folder of images")
    known = load_folder_config(config)
    out = Path(out).absolute()
    items = out.with_suffix("") / "items"
    scenes = _scenes(scan(folder, known))
    features = [_item(key, files, items, collection, known) for key, files in scenes.items()]
    for feature in features:
        _write(items / f"{feature['id']}.json", feature)
    _write(out.with_suffix("") / "collection.json", _collection(collection, features, out.name))
    child = f"./{out.stem}/collection.json"
    root = {
        "type": "Catalog",
        "id": out.stem,
        "stac_version": "1.1.0",
        "description": f"Images of the folder {folder.name}",
        "links": [_link("root", f"./{out.name}"), _link("child", child)],
    }
    return _write(out, root)


def _scenes(files: Sequence[ImageFile]) -> dict[str, list[ImageFile]]:
    """Files by scene; masks whose name does not match go by their time."""
    scenes: dict[str, list[ImageFile]] = {}
    for file in files:
        if not file.mask:
            scenes.setdefault(_id(file), []).append(file)
    for file in files:
        if not file.mask:
            continue
        same = [k for k, v in scenes.items() if v[0].period.middle == file.period.middle]
        match = _id(file) if _id(file) in scenes else (same[0] if len(same) == 1 else None)
        if match is None:
            raise InputError(
                f"{file.path}: mask without an image",
                remedy="a mask is named after its image, such as S2_20210105_SCL.tif",
            )
        scenes[match].append(file)
    for key, group in scenes.items():
        _check_scene(key, group)
    return dict(sorted(scenes.items()))


def _check_scene(key: str, group: Sequence[ImageFile]) -> None:
    names = [b for f in group for b in f.bands]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        where = ", ".join(str(f.path) for f in group if set(f.bands) & set(twice))
        raise InputError(
            f"scene {key} has band {twice[0]} twice: {where}",
            remedy="keep one of them, or make the names of two scenes differ",
        )
    if len({f.period.middle for f in group if not f.mask}) > 1:
        raise InputError(f"the files of scene {key} have different times: {group[0].path}, …")


def _id(file: ImageFile) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", file.key) or file.period.middle.strftime("%Y%m%d")


def _item(
    key: str, files: Sequence[ImageFile], folder: Path, collection: str, config: FolderConfig
) -> dict[str, Any]:
    period = files[0].period
    footprint = shapely.union_all([_footprint(f.geobox) for f in files])
    properties: dict[str, Any] = {"datetime": _iso(period.middle)}
    if period.month:
        start, end = period.limits
        properties |= {"start_datetime": _iso(start), "end_datetime": _iso(end)}
    assets = {}
    images = [f for f in files if not f.mask]
    for file in files:
        single = len(file.bands) == 1
        name = file.bands[0] if single else ("image" if len(images) == 1 else _stem(file, key))
        assets[name] = _asset(file, folder, config)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": _EXTENSIONS,
        "id": key,
        "collection": collection,
        "geometry": shapely.geometry.mapping(footprint),
        "bbox": list(footprint.bounds),
        "properties": properties,
        "links": [
            _link("root", f"../../{folder.parent.name}.json"),
            _link("parent", "../collection.json"),
            _link("collection", "../collection.json"),
        ],
        "assets": dict(sorted(assets.items())),
    }


def _stem(file: ImageFile, key: str) -> str:
    return "image" + file.path.stem.removeprefix(key)


def _asset(file: ImageFile, folder: Path, config: FolderConfig) -> dict[str, Any]:
    crs = file.geobox.crs
    epsg = crs.to_epsg() if crs is not None else None
    named, raster = [], []
    for band in file.bands:
        named.append({"name": band})
        entry: dict[str, Any] = {"data_type": file.dtype}
        if file.nodata is not None:
            entry["nodata"] = "nan" if np.isnan(file.nodata) else file.nodata
        if not file.mask:
            native = config.resolution.get(band) or NATIVE_M.get(band) or _pixel(file.geobox)
            entry |= {"scale": file.scale, "offset": file.offset, "spatial_resolution": native}
        raster.append(entry)
    asset: dict[str, Any] = {
        "href": Path(os.path.relpath(file.path.absolute(), folder)).as_posix(),
        "type": _TYPES[file.path.suffix.lower()],
        "roles": ["data-mask"] if file.mask else ["data"],
        "eo:bands": named,
        "raster:bands": raster,
        "proj:shape": [file.geobox.shape.y, file.geobox.shape.x],
        "proj:transform": list(file.geobox.affine[:6]),
    }
    if epsg is not None:
        asset["proj:code"] = f"EPSG:{epsg}"
    elif crs is not None:
        asset["proj:wkt2"] = crs.to_wkt()
    return asset


def _pixel(geobox: GeoBox) -> float:
    """Pixel size in metres of a projected grid, 10 of a geographic one."""
    return float(abs(geobox.affine.a)) if geobox.crs and geobox.crs.projected else 10.0


def _footprint(geobox: GeoBox) -> BaseGeometry:
    step = max(geobox.extent.boundingbox.span_x, geobox.extent.boundingbox.span_y) / 10
    outline: BaseGeometry = geobox.extent.to_crs("EPSG:4326", resolution=step).geom
    return shapely.set_precision(outline, 1e-7)


def _collection(name: str, features: Sequence[dict[str, Any]], root: str) -> dict[str, Any]:
    boxes = np.array([f["bbox"] for f in features])
    start = min(
        f["properties"].get("start_datetime", f["properties"]["datetime"]) for f in features
    )
    end = max(f["properties"].get("end_datetime", f["properties"]["datetime"]) for f in features)
    limits = [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]
    return {
        "type": "Collection",
        "id": name,
        "stac_version": "1.1.0",
        "description": "Images catalogued by bocage",
        "license": "other",
        "extent": {"spatial": {"bbox": [limits]}, "temporal": {"interval": [[start, end]]}},
        "links": [
            _link("root", f"../{root}"),
            _link("parent", f"../{root}"),
            *(_link("item", f"./items/{f['id']}.json") for f in features),
        ],
    }


def _link(rel: str, href: str) -> dict[str, str]:
    kind = "application/geo+json" if rel == "item" else "application/json"
    return {"rel": rel, "href": href, "type": kind}


def _iso(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _write(path: Path, value: dict[str, Any]) -> Path:
    return write_text(path, json.dumps(value, indent=1) + "\n")
