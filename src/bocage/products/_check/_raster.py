"""Steps on a class raster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyogrio
import rasterio
from pyogrio.errors import DataSourceError
from rasterio.io import DatasetReader

from bocage.legend import OUTSIDE, UNCLASSIFIED
from bocage.products._check._definition import ProductDefinition
from bocage.products._check._finding import Finding, Step, step

_GHOST = 300  # the first directory of a COG starts within its first bytes


def _one(name: str, message: str | None) -> Step:
    return step(name, [Finding(message)] if message else [])


def attribute(source: DatasetReader, definition: ProductDefinition) -> Step:
    """The attribute table, beside the raster or in ``.vat.dbf``, has the columns."""
    path = Path(source.name)
    names = _table_columns(path)
    if names is None:
        return _one("attribute", f"there is no attribute table ({path.name}.aux.xml or .vat.dbf)")
    missing = [n for n in definition.raster.attributes if n not in names]
    text = f"the attribute table lacks {', '.join(missing)}" if missing else None
    return _one("attribute", text)


def _table_columns(path: Path) -> list[str] | None:
    dbf = path.with_name(f"{path.name}.vat.dbf")
    aux = path.with_name(f"{path.name}.aux.xml")
    try:
        if dbf.exists():
            return [str(f).lower() for f in pyogrio.read_info(dbf)["fields"]]
        if aux.exists():
            table = ET.parse(aux).getroot().find(".//GDALRasterAttributeTable")
            if table is not None:
                return [(n.text or "").lower() for n in table.findall("FieldDefn/Name")]
    except (ET.ParseError, DataSourceError):
        return None
    return None


def epsg(source: DatasetReader, definition: ProductDefinition) -> Step:
    """The CRS is the right one."""
    code = source.crs.to_epsg() if source.crs else None
    text = (
        None if code == definition.epsg else f"found {source.crs}, expected EPSG:{definition.epsg}"
    )
    return _one("epsg", text)


def pixel_size(source: DatasetReader, definition: ProductDefinition) -> Step:
    """Pixels are square and have exactly the size."""
    size, t = definition.raster.pixel_m, source.transform
    good = t.a == size and t.e == -size and t.b == 0 and t.d == 0
    return _one("pixel_size", None if good else f"pixels of {t.a} x {-t.e} m, expected {size} m")


def origin(source: DatasetReader, definition: ProductDefinition) -> Step:
    """The upper left corner lies on the reference grid."""
    step_m, t = definition.raster.origin_m, source.transform
    good = t.c % step_m == 0 and t.f % step_m == 0
    return _one("origin", None if good else f"corner {t.c}, {t.f} is no multiple of {step_m} m")


def bit_depth(source: DatasetReader, definition: ProductDefinition) -> Step:
    """One band of the type."""
    good = source.dtypes == (definition.raster.dtype,)
    text = f"bands of {', '.join(source.dtypes)}, expected one of {definition.raster.dtype}"
    return _one("bit_depth", None if good else text)


def compress(source: DatasetReader, definition: ProductDefinition) -> Step:
    """The compression is an accepted one."""
    found = source.compression.value.lower() if source.compression else "none"
    good = found in definition.raster.compression
    expected = ", ".join(definition.raster.compression)
    return _one("compress", None if good else f"compression {found}, expected {expected}")


def nodata(source: DatasetReader, definition: ProductDefinition) -> Step:
    """The nodata value is the right one."""
    good = source.nodata == definition.raster.nodata
    text = f"nodata is {source.nodata}, expected {definition.raster.nodata}"
    return _one("nodata", None if good else text)


def value(source: DatasetReader, definition: ProductDefinition) -> Step:
    """Every pixel has a value of the legend, 0 or nodata; all values are looked at."""
    allowed = {UNCLASSIFIED, OUTSIDE, *range(1, len(definition.chains) + 1)}
    counts: dict[int, int] = {}
    for _, window in source.block_windows(1):
        values, many = np.unique(source.read(1, window=window), return_counts=True)
        for v, n in zip(values.tolist(), many.tolist(), strict=True):
            if v not in allowed:
                counts[v] = counts.get(v, 0) + n
    findings = []
    if counts:
        names = ", ".join(map(str, sorted(counts)[:10]))
        text = f"values that are not in the legend: {names} ({sum(counts.values())} pixels)"
        findings.append(Finding(text, len(counts)))
    return step("value", findings)


def tile(source: DatasetReader, definition: ProductDefinition) -> Step:
    """The raster is tiled, with tiles that are not too large."""
    height, width = source.block_shapes[0]
    most = definition.raster.max_block
    striped = width >= source.width and width > most
    good = max(height, width) <= most and not striped
    return _one("tile", None if good else f"blocks of {height} x {width}, expected at most {most}")


def cog(source: DatasetReader, definition: ProductDefinition) -> Step:
    """The file is laid out as a cloud-optimised GeoTIFF."""
    del definition
    faults = _layout(source)
    return step("cog", [Finding(f) for f in faults])


def _layout(source: DatasetReader) -> list[str]:
    """What is wrong with the order of directories and data, after GDAL's validator."""
    if source.driver != "GTiff":
        return [f"the format is {source.driver}"]
    faults = []
    levels = source.overviews(1)
    if max(source.shape) > 512:
        if not source.profile.get("tiled", False):
            faults.append("it is not tiled")
        if not levels:
            faults.append("it has no overviews")
    places = [_offset(source, "IFD_OFFSET", None)]
    places += [_offset(source, "IFD_OFFSET", i) for i in range(len(levels))]
    if places[0] is None or places[0] > _GHOST:
        faults.append("the first directory is not at the start")
    known = [p for p in places if p is not None]
    if known != sorted(known) or len(known) != len(places):
        faults.append("the directories of the overviews are out of order or in another file")
    # Data of the coarsest overview come first, those of full resolution last.
    data = [_offset(source, "BLOCK_OFFSET_0_0", i) for i in range(len(levels) - 1, -1, -1)]
    data.append(_offset(source, "BLOCK_OFFSET_0_0", None))
    known = [d for d in data if d]
    if known != sorted(known):
        faults.append("the data of the overviews do not come first")
    return faults


def _offset(source: DatasetReader, item: str, overview: int | None) -> int | None:
    text = source.get_tag_item(item, "TIFF", bidx=1, ovr=overview)
    return int(text) if text is not None else None


def color(source: DatasetReader, definition: ProductDefinition) -> Step:
    """The embedded colour table has the colours of the legend."""
    try:
        table = source.colormap(1)
    except ValueError:
        return _one("color", "there is no colour table")
    wrong = [v for v, c in definition.colors.items() if tuple(table.get(v, ()))[:3] != tuple(c)]
    names = ", ".join(map(str, wrong[:10]))
    findings = [Finding(f"wrong colours of the values {names}", len(wrong))] if wrong else []
    return step("color", findings)


STEPS: tuple[Callable[[DatasetReader, ProductDefinition], Step], ...] = (
    attribute, epsg, pixel_size, origin, bit_depth, compress, nodata, value, tile, cog, color,
)  # fmt: skip


def raster_steps(path: Path, definition: ProductDefinition) -> list[Step]:
    """All steps on a raster that has the right name."""
    try:
        with rasterio.open(path) as source:
            return [test(source, definition) for test in STEPS]
    except rasterio.errors.RasterioError as error:
        return [Step("import", "aborted", (Finding(f"{path.name} cannot be read: {error}"),))]
