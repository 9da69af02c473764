"""What was handed in: archives taken apart safely, layers found and opened."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
import pyogrio
from pyarrow import ArrowException
from pyogrio.errors import DataSourceError

from bocage.errors import InputError
from bocage.files import existing
from bocage.products._check._definition import ProductDefinition
from bocage.products._check._finding import Finding, Step, step

MAX_BYTES = 16 << 30
MAX_RATIO = 1000
MAX_FILES = 100_000
_SMALL = 1 << 26  # below this an archive may shrink as much as it likes
_STYLES = "layer_styles"
_ROOT = "{http://www.isotc211.org/2005/gmd}MD_Metadata"


@dataclass(frozen=True)
class LayerRef:
    """A layer in a file."""

    file: Path
    name: str
    archived: bool = False


@dataclass(frozen=True)
class Package:
    """The files of a delivery, after unpacking."""

    files: tuple[Path, ...]
    archived: bool


def as_paths(paths: Path | str | Iterable[Path | str]) -> tuple[Path, ...]:
    """Existing files from one path or several."""
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not given:
        raise InputError("nothing to check", remedy="name at least one file")
    return tuple(existing(p, "file to check") for p in given)


def unpack(paths: Sequence[Path], folder: Path) -> tuple[Step, Package]:
    """Take archives apart into a folder; other files stay where they are.

    Nothing is written when an archive names a place outside the folder, holds more than
    16 GiB or 100,000 files, or expands more than a thousandfold.
    """
    found: list[Path] = []
    faults: list[Finding] = []
    archived = False
    for number, path in enumerate(paths):
        if path.suffix.lower() != ".zip":
            found.append(path)
            continue
        archived = True
        target = folder / str(number)
        reason = _extract(path, target)
        if reason:
            faults.append(Finding(f"{path.name}: {reason}"))
        else:
            found.extend(_listed(target))
    return step("unzip", faults, "aborted"), Package(tuple(found), archived)


def _extract(path: Path, target: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            reason = _unsafe(archive)
            if reason is None:
                archive.extractall(target)
            return reason
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError, ValueError) as error:
        return f"cannot be unpacked: {error}"


def _unsafe(archive: zipfile.ZipFile) -> str | None:
    total = packed = 0
    if len(archive.infolist()) > MAX_FILES:
        return f"holds {len(archive.infolist())} files"
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or re.match(r"[A-Za-z]:", name):
            return f"'{info.filename}' leads out of the archive"
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            return f"'{info.filename}' is a {'link' if kind == stat.S_IFLNK else 'special file'}"
        total += info.file_size
        packed += info.compress_size
    if total > MAX_BYTES or (total > _SMALL and total > MAX_RATIO * max(packed, 1)):
        return f"would expand from {packed} to {total} bytes"
    return None


def _listed(folder: Path) -> list[Path]:
    inside = sorted(folder.rglob("*"))
    bases = [p for p in inside if p.is_dir() and p.suffix.lower() == ".gdb"]
    files = [p for p in inside if p.is_file() and not any(b in p.parents for b in bases)]
    return bases + files


def find_layer(package: Package, definition: ProductDefinition) -> tuple[Step, LayerRef | None]:
    """The step "naming": exactly one layer, with the right name and unit."""
    layers: list[LayerRef] = []
    faults: list[Finding] = []
    for file in package.files:
        if file.suffix.lower() not in definition.formats:
            if not package.archived:
                faults.append(_wrong_format(file, definition))
            continue
        names, reason = layer_names(file, package.archived)
        if reason:
            faults.append(Finding(f"{file.name} cannot be opened: {reason}"))
        layers.extend(LayerRef(file, name, package.archived) for name in names)
    if faults and not layers:
        return Step("naming", "aborted", tuple(faults)), None
    pattern = re.compile(definition.layer, re.IGNORECASE)
    good = [layer for layer in layers if pattern.fullmatch(layer.name)]
    if len(good) != 1:
        return Step("naming", "aborted", (*faults, _not_one(layers, good, definition))), None
    match = pattern.fullmatch(good[0].name.lower())
    unit = match.groupdict().get("unit") if match else None
    if unit and definition.units and unit not in definition.units:
        wrong = Finding(f"{good[0].name}: there is no delivery unit '{unit}'")
        return Step("naming", "aborted", (*faults, wrong)), None
    others = [layer.name for layer in layers if layer is not good[0]]
    if others:
        faults.append(Finding(f"excessive layers: {', '.join(others)}", len(others)))
    return step("naming", faults), good[0]


def _wrong_format(file: Path, definition: ProductDefinition) -> Finding:
    return Finding(f"{file.name}: accepted formats are {', '.join(definition.formats)}")


def _not_one(
    layers: list[LayerRef], good: list[LayerRef], definition: ProductDefinition
) -> Finding:
    if good:
        names = ", ".join(f"{g.name} in {g.file.name}" for g in good)
        return Finding(f"found {len(good)} layers: {names}", len(good))
    names = ", ".join(layer.name for layer in layers) or "none"
    return Finding(f"no layer has a name like {definition.layer}; found: {names}")


def layer_names(file: Path, archived: bool) -> tuple[list[str], str | None]:
    """Names of the layers in a file, and a reason when it cannot be opened."""
    suffix = file.suffix.lower()
    if suffix == ".tif":
        return [file.stem], None
    try:
        if suffix == ".parquet":
            pq.read_schema(file)
            return [file.stem], None
        names = [str(row[0]) for row in pyogrio.list_layers(file)]
    except (DataSourceError, ArrowException, OSError, ValueError) as error:
        return [], str(error).splitlines()[0]
    # QGIS keeps its styles in the file: harmless in a working copy, but in an archive the
    # official tool takes the table for a second layer.
    return [n for n in names if archived or n != _STYLES], None


def metadata_step(package: Package, ref: LayerRef) -> Step:
    """An archive holds a metadata record of the layer, and one folder ``metadata`` at most."""
    records = [p for p in package.files if p.suffix.lower() == ".xml"]
    stems = {ref.file.stem.lower(), ref.name.lower()}
    wanted = stems | {f"{s}_metadata" for s in stems}
    own = [p for p in records if p.stem.lower() in wanted]
    folders = {p.parent for p in records if p.parent.name.lower().endswith("metadata")}
    findings = []
    if len(folders) > 1:
        findings.append(Finding("more than one folder ends in 'metadata'", len(folders)))
    if not own:
        findings.append(Finding(f"there is no metadata file {ref.file.stem}.xml"))
    for path in own:
        try:
            root = ET.parse(path).getroot().tag
        except ET.ParseError as error:
            findings.append(Finding(f"{path.name} is no XML: {error}"))
            continue
        if root != _ROOT:
            findings.append(Finding(f"{path.name}: the root is {root}, not gmd:MD_Metadata"))
    return step("strict:metadata", findings)
