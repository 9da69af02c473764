"""What the files of a folder are: images and masks, with dates and band names."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from bocage.errors import InputError
from bocage.imagery._bands import canonical, known
from bocage.imagery._catalog_config import FolderConfig

_RASTERS = (".tif", ".tiff", ".jp2")
_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_]?)(0[1-9]|1[0-2])\2([0-2]\d|3[01])(?!\d)")
_CLOCK = re.compile(r"T([01]\d|2[0-3]):?-?([0-5]\d):?-?([0-5]\d)")
_MONTH = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_](0[1-9]|1[0-2])(?![-_]?\d)")
_BAND = re.compile(r"[_.-](B\d{1,2}A?)(?=$|[_.-])", re.IGNORECASE)
_SIZE = re.compile(r"[_.-](?:10|20|60)m(?=$|[_.-])", re.IGNORECASE)
_MASK = re.compile(r"[_.-](SCL|mask|cloudmask|CLM)(?=$|[_.-])", re.IGNORECASE)


@dataclass(frozen=True)
class Period:
    """When an image was taken: a moment, or a whole month."""

    middle: dt.datetime
    month: bool

    @property
    def limits(self) -> tuple[dt.datetime, dt.datetime]:
        """First and last second of the month."""
        last = calendar.monthrange(self.middle.year, self.middle.month)[1]
        start = self.middle.replace(day=1, hour=0, minute=0, second=0)
        return start, start.replace(day=last, hour=23, minute=59, second=59)


@dataclass(frozen=True)
class ImageFile:
    """One file: what it holds and how its numbers are read.

    Attributes
    ----------
    path, key, period
        The file; what the files of one scene share of their names; the time.
    bands
        Names in the order of the file. A mask file has the one band ``SCL`` or ``mask``.
    mask
        Whether it is a mask or a scene classification.
    """

    path: Path
    key: str
    period: Period
    bands: tuple[str, ...]
    mask: bool
    geobox: GeoBox
    dtype: str
    nodata: float | None
    scale: float
    offset: float


class _Fault(Exception):  # noqa: N818 - collected into one InputError
    pass


def scan(folder: Path, config: FolderConfig) -> list[ImageFile]:
    """Look into the images and masks of a folder and the folders in it.

    Raises
    ------
    InputError
        If there is none, or naming the files that cannot be understood, with the remedy.
    """
    paths = sorted(
        p
        for p in folder.rglob("*")
        if p.suffix.lower() in _RASTERS
        and not any(part.startswith(".") for part in p.relative_to(folder).parts)
    )
    found, faults = [], []
    for path in paths:
        mask = _mask_kind(path, config)
        if mask is None and config.image(path.name) is None:
            continue
        try:
            found.append(_look(path, mask, config))
        except _Fault as fault:
            faults.append(str(fault))
    if faults:
        more = f"\n  … and {len(faults) - 20} more" if len(faults) > 20 else ""
        raise InputError(
            "these files cannot be catalogued:\n  " + "\n  ".join(faults[:20]) + more,
            remedy="keep other files out with the key image.pattern of --config, or give there "
            "what the files do not tell",
        )
    if not any(not f.mask for f in found):
        raise InputError(
            f"{folder} holds no image",
            remedy=f"images end in {', '.join(_RASTERS)} and match image.pattern of --config",
        )
    return found


def _mask_kind(path: Path, config: FolderConfig) -> str | None:
    if config.mask is not None:
        return config.mask_kind if fnmatch(path.name, config.mask) else None
    token = _MASK.search(path.stem)
    if token is None:
        return None
    return "scl" if token[1].lower() == "scl" else "mask"


def _look(path: Path, mask: str | None, config: FolderConfig) -> ImageFile:
    try:
        with rasterio.open(path) as source:
            if source.crs is None or source.transform.is_identity:
                raise _Fault(f"{path}: not georeferenced; write it with a CRS and a transform")
            period = _period(path, source.tags())
            bands = _mask_bands(path, mask, source) if mask else _bands(path, source, config)
            scale, offset = _calibration(source, config) if mask is None else (1.0, 0.0)
            nodata = config.nodata if config.nodata is not None and mask is None else source.nodata
            return ImageFile(
                path=path,
                key=_key(path, config),
                period=period,
                bands=bands,
                mask=mask is not None,
                geobox=GeoBox.from_rio(source),
                dtype=str(source.dtypes[0]),
                nodata=nodata,
                scale=scale,
                offset=offset,
            )
    except RasterioError as error:
        raise _Fault(f"{path}: cannot be read as a raster: {error}") from error


def _key(path: Path, config: FolderConfig) -> str:
    """File name without what tells the files of one scene apart."""
    stem = path.stem
    ends = [p.pattern for p in config.images] + ([config.mask] if config.mask else [])
    for pattern in ends:
        end = Path(pattern.rpartition("*")[2]).stem
        if "*" in pattern and end and fnmatch(path.name, pattern):
            stem = stem.removesuffix(end)
    for token in (_BAND, _SIZE, _MASK):
        stem = token.sub("", stem)
    for name in config.band_map:
        stem = stem.removesuffix(f"_{name}")
    return stem.rstrip("_-.")


def _period(path: Path, tags: dict[str, str]) -> Period:
    named = _from_name(path.stem)
    tag = tags.get("datetime")
    if tag is None:
        if named is None:
            raise _Fault(
                f"{path}: no date; put YYYYMMDD, YYYY-MM-DD or YYYY-MM into the name, "
                "or write the tag 'datetime'"
            )
        return named
    try:
        moment = dt.datetime.fromisoformat(tag)
    except ValueError as error:
        raise _Fault(f"{path}: tag datetime '{tag}' is no ISO date") from error
    moment = moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if named is not None and not named.month and named.middle.date() != moment.date():
        raise _Fault(f"{path}: the name says {named.middle:%Y-%m-%d}, the tag datetime {tag}")
    return named if named is not None and named.month else Period(moment, month=False)


def _from_name(stem: str) -> Period | None:
    day = _DAY.search(stem)
    if day is not None:
        clock = _CLOCK.match(stem, day.end())
        hour, minute, second = (int(g) for g in clock.groups()) if clock else (12, 0, 0)
        try:
            when = dt.datetime(
                int(day[1]), int(day[3]), int(day[4]), hour, minute, second, tzinfo=dt.UTC
            )
        except ValueError:
            return None
        return Period(when, month=False)
    month = _MONTH.search(stem)
    if month is None:
        return None
    return Period(dt.datetime(int(month[1]), int(month[2]), 15, 12, tzinfo=dt.UTC), month=True)


def _mask_bands(path: Path, kind: str, source: DatasetReader) -> tuple[str, ...]:
    if source.count != 1:
        raise _Fault(f"{path}: a mask has one band, this file has {source.count}")
    return ("SCL" if kind == "scl" else "mask",)


def _bands(path: Path, source: DatasetReader, config: FolderConfig) -> tuple[str, ...]:
    """Names from the configuration, the descriptions or the file name, which must agree."""
    pattern = config.image(path.name)
    described = _described(source, config)
    suffix = _suffix(path, config) if source.count == 1 else None
    named = tuple(config.name(b) for b in pattern.bands) if pattern else ()
    if named and suffix is None and len(named) != source.count:
        raise _Fault(f"{path}: {source.count} bands, but the configuration lists {len(named)}")
    if suffix is not None:
        if named and suffix not in named:
            raise _Fault(f"{path}: band {suffix} of the name is not among {', '.join(named)}")
        named = (suffix,)
    for number, name in enumerate(named):
        found = described[number]
        if found and found != name and (known(found) or found in named):
            raise _Fault(
                f"{path}: band {number + 1} should be {name}, but the file calls it {found}"
            )
    names = named or tuple(n for n in described if n)
    if len(names) != source.count:
        raise _Fault(
            f"{path}: the bands have no names; write band descriptions, put _B02 into the name, "
            "or list 'bands' in --config"
        )
    if len(set(names)) != len(names):
        raise _Fault(f"{path}: a band occurs twice: {', '.join(names)}")
    return names


def _described(source: DatasetReader, config: FolderConfig) -> list[str]:
    return [config.name(d) if d else "" for d in source.descriptions]


def _suffix(path: Path, config: FolderConfig) -> str | None:
    for name in config.band_map:
        if path.stem.endswith(f"_{name}"):
            return config.name(name)
    token = list(_BAND.finditer(path.stem))
    return config.name(canonical(token[-1][1])) if token else None


def _calibration(source: DatasetReader, config: FolderConfig) -> tuple[float, float]:
    scale, offset = config.scale, config.offset
    if scale is None:
        tag = source.tags().get("scale")
        if source.scales[0] != 1.0:
            scale = float(source.scales[0])
        elif tag is not None and re.fullmatch(r"\d*\.?\d+(e-?\d+)?", tag, re.IGNORECASE):
            scale = float(tag)
        else:
            scale = 1.0 if np.dtype(source.dtypes[0]).kind == "f" else 0.0001
    return scale, float(source.offsets[0]) if offset is None else offset
