"""The YAML file that says what a folder of images leaves unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from bocage.errors import ConfigError
from bocage.files import existing
from bocage.imagery._bands import canonical

_KEYS = ("bands", "scale", "offset", "nodata", "mask", "image", "band_map", "resolution")


@dataclass(frozen=True)
class ImagePattern:
    """Files that hold images.

    Attributes
    ----------
    pattern
        File name with ``*`` and ``?``.
    bands
        Names of the bands of each such file, empty when the files tell.
    """

    pattern: str = "*"
    bands: tuple[str, ...] = ()


@dataclass(frozen=True)
class FolderConfig:
    """What is known about a folder of images.

    Attributes
    ----------
    images
        Which files are images; the first pattern that matches a name counts.
    mask
        Pattern of the mask files, None to go by the suffixes ``_SCL`` and ``_mask``.
    mask_kind
        ``scl`` or ``mask``.
    scale, offset, nodata
        Of all images; None to go by the files.
    band_map
        Names used in the folder → names of the catalogue.
    resolution
        Native pixel size of bands, metres.
    """

    images: tuple[ImagePattern, ...] = (ImagePattern(),)
    mask: str | None = None
    mask_kind: str = "mask"
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    band_map: Mapping[str, str] = field(default_factory=dict)
    resolution: Mapping[str, float] = field(default_factory=dict)

    def name(self, band: str) -> str:
        """Name of a band in the catalogue."""
        return self.band_map.get(band) or canonical(band)

    def image(self, file: str) -> ImagePattern | None:
        """The pattern that a file name matches, None where it is no image."""
        return next((p for p in self.images if fnmatch(file, p.pattern)), None)


def load_folder_config(path: Path | str | None) -> FolderConfig:
    """Read the configuration of ``bocage catalog build``.

    Parameters
    ----------
    path
        YAML with any of the keys ``bands``, ``scale``, ``offset``, ``nodata``,
        ``mask: {pattern, kind}``, ``image: {pattern, bands}`` (or a list of such), ``band_map``
        and ``resolution``. None: nothing is known beforehand.

    Raises
    ------
    ConfigError
        If it is no YAML mapping or a key is unknown or wrong; the message names file and key.
    """
    if path is None:
        return FolderConfig()
    path = existing(path, "catalogue configuration")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no mapping", remedy=f"keys are {', '.join(_KEYS)}")
    _only(path, "", data, _KEYS)
    mask = _mapping(path, "mask", data.get("mask"), ("pattern", "kind"))
    kind = str(mask.get("kind", "scl"))
    if kind not in ("scl", "mask"):
        raise ConfigError(f"{path}: mask.kind: {kind} is unknown", remedy="use scl or mask")
    return FolderConfig(
        images=_images(path, data),
        mask=str(mask["pattern"]) if "pattern" in mask else None,
        mask_kind=kind,
        scale=_number(path, "scale", data.get("scale")),
        offset=_number(path, "offset", data.get("offset")),
        nodata=_number(path, "nodata", data.get("nodata")),
        band_map={
            str(k): str(v) for k, v in _mapping(path, "band_map", data.get("band_map")).items()
        },
        resolution={
            canonical(str(k)): _number(path, f"resolution.{k}", v) or 0.0
            for k, v in _mapping(path, "resolution", data.get("resolution")).items()
        },
    )


def _images(path: Path, data: dict[str, Any]) -> tuple[ImagePattern, ...]:
    shared = _names(path, "bands", data.get("bands"))
    value = data.get("image")
    entries = value if isinstance(value, list) else [value]
    patterns = []
    for entry in entries:
        keys = _mapping(path, "image", entry, ("pattern", "bands"))
        bands = _names(path, "image.bands", keys.get("bands")) or shared
        patterns.append(ImagePattern(str(keys.get("pattern", "*")), bands))
    return tuple(patterns)


def _names(path: Path, key: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len({str(v) for v in value}) != len(value):
        raise ConfigError(f"{path}: {key}: give a list of different names", remedy="[B02, B03]")
    return tuple(str(v) for v in value)


def _mapping(
    path: Path, key: str, value: object, keys: tuple[str, ...] | None = None
) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: {key}: give a mapping", remedy=f"{key}: {{…}}")
    if keys is not None:
        _only(path, f"{key}.", value, keys)
    return value


def _only(path: Path, prefix: str, data: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in data:
        if key not in keys:
            raise ConfigError(
                f"{path}: {prefix}{key}: unknown key", remedy=f"keys are {', '.join(keys)}"
            )


def _number(path: Path, key: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{path}: {key}: {value!r} is no number")
    return float(value)
