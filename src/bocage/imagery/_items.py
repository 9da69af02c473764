"""Lists of items as files, and their digests."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pystac

from bocage.errors import InputError
from bocage.files import existing, write_text


def save_items(items: Iterable[pystac.Item], path: Path | str) -> Path:
    """Write items as one STAC ItemCollection with absolute addresses.

    Parameters
    ----------
    items
        Items whose assets have absolute addresses, as `search` gives them.
    path
        A ``.json`` file; it appears whole or not at all.
    """
    features = []
    for item in sorted(items, key=lambda i: i.id):
        feature = item.to_dict(include_self_link=False, transform_hrefs=False)
        feature["links"] = []
        features.append(feature)
    text = json.dumps({"type": "FeatureCollection", "features": features}, indent=1)
    return write_text(path, text + "\n")


def load_items(path: Path | str) -> list[pystac.Item]:
    """Read items that `save_items` wrote.

    Raises
    ------
    InputError
        If the file is missing or no ItemCollection.
    """
    path = existing(path, "items")
    return items_of(read_json(path), path)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, or an `InputError` naming it."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is not JSON: {error}", remedy="give a STAC catalogue, collection or items"
        ) from error
    if not isinstance(value, dict):
        raise InputError(f"{path} holds no JSON object", remedy="give a STAC catalogue")
    return value


def items_of(value: dict[str, Any], path: Path) -> list[pystac.Item]:
    """Items of an ItemCollection; relative addresses are relative to its file."""
    if value.get("type") != "FeatureCollection":
        raise InputError(f"{path} is no ItemCollection", remedy="write it with save_items")
    try:
        items = [pystac.Item.from_dict(feature) for feature in value.get("features", [])]
    except (pystac.STACError, pystac.STACTypeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} holds something that is no STAC item: {error}") from error
    for item in items:
        for asset in item.assets.values():
            if not Path(asset.href).is_absolute() and "://" not in asset.href:
                asset.href = os.path.normpath(path.parent.absolute() / asset.href)
    return items


def items_digest(items: Iterable[pystac.Item]) -> str:
    """Digest of what a mosaic depends on, without reading pixels.

    Returns
    -------
    str
        SHA-256 over identifier, properties, bands and addresses of the items, and the size and
        time of change of local files. It does not depend on the order of the items.
    """
    digest = hashlib.sha256()
    for item in sorted(items, key=lambda i: i.id):
        record = {"id": item.id, "geometry": item.geometry, "properties": item.properties}
        assets = {}
        for key, asset in sorted(item.assets.items()):
            assets[key] = {**asset.to_dict(), "file": _stamp(asset.href)}
        text = json.dumps({**record, "assets": assets}, sort_keys=True, default=str)
        digest.update(text.encode())
    return digest.hexdigest()


def _stamp(href: str) -> list[int] | None:
    if "://" in href and not href.startswith("file://"):
        return None
    path = Path(href.removeprefix("file://"))
    if not path.exists():
        return None
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
