"""Faults of archives, names, attributes and systems; see `products_twins`."""

from __future__ import annotations

import io
import sqlite3
import stat
import zipfile
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import products_parts as parts
import pyproj
from products_twins import AREA, Twin, fault, zipped

UNZIP, NAMING = {"unzip": "aborted"}, {"naming": "aborted"}

# --- unzip --------------------------------------------------------------------------------------


def _archive(name: str):
    def register(change):
        def apply(twin: Twin) -> None:
            twin.archive = change

        return fault(name, UNZIP)(apply)

    return register


@_archive("no archive at all")
def _(path: Path) -> None:
    path.write_bytes(b"PK no archive")


@_archive("an archive that ends too early")
def _(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@_archive("an archive with damaged contents")
def _(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[200:400] = bytes(200)
    path.write_bytes(bytes(data))


@_archive("an archive of nothing but zeros")
def _(path: Path) -> None:
    zipped(path, {"zeros.gpkg": bytes(80 << 20)})


@_archive("an archive with a link")
def _(path: Path) -> None:
    info = zipfile.ZipInfo("link.gpkg")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "/etc/passwd")


@_archive("an archive with a password")
def _(path: Path) -> None:
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        starts = [i.header_offset for i in archive.infolist()]
    for at in starts:
        data[at + 6] |= 1  # the flag "encrypted", in the local header and in the directory
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 4)
    path.write_bytes(bytes(data))


for _name in ("../evil.txt", "/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:\\evil.txt"):

    @_archive(f"an archive that leads to {_name}")
    def _(path: Path, name: str = _name) -> None:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, b"x")


# --- naming -------------------------------------------------------------------------------------

for _old, _new in (
    ("s2021", "s2024"), ("clms_pa", "clms_n2k"), ("blacksea", "black_sea"), ("blacksea", "sea1"),
    ("blacksea", "mer-noire"), ("blacksea", "forêt"), ("_20261122", "_20261122_final"),
    ("_20261122", "_2026112"), ("_20261122", ""), ("du0014", "du0039"), ("du0014", "du014"),
    ("03035", "3035"), ("_r01", ""), ("v05ha", "v5ha"),
):  # fmt: skip

    @fault(f"a layer named with '{_new}' for '{_old}'", NAMING)
    def _(twin: Twin, old: str = _old, new: str = _new) -> None:
        twin.layer = twin.layer.replace(old, new)


@fault("the right name on the file but not on the layer", NAMING)
def _(twin: Twin) -> None:
    twin.options["layer"] = "layer"


@fault("a layer in a format that is not accepted", NAMING)
def _(twin: Twin) -> None:
    twin.archive = lambda path: zipped(path, {f"{twin.layer}.geojson": b"{}"}) and None


@fault("an empty archive", NAMING)
def _(twin: Twin) -> None:
    twin.archive = lambda path: zipped(path, {}) and None


@fault("the same layer in two formats", NAMING)
def _(twin: Twin) -> None:
    buffer = io.BytesIO()
    twin.frame.to_parquet(buffer)
    twin.others[f"{twin.layer}.parquet"] = buffer.getvalue()


@fault("a file that is no GeoPackage", NAMING)
def _(twin: Twin) -> None:
    files = {f"{twin.layer}.gpkg": b"nothing of the kind"}
    twin.archive = lambda path: zipped(path, files) and None


@fault("another layer beside", {"naming": "failed"})
def _(twin: Twin) -> None:
    buffer = io.BytesIO()
    twin.frame.to_parquet(buffer)
    twin.others["roads.parquet"] = buffer.getvalue()


# --- attribute ----------------------------------------------------------------------------------

ABORT = {"attribute": "aborted"}

for _column in ("uid", "du_id", *(f"code_{n}_21" for n in range(1, 5)), "nodata_21", "comment_21",
                "area_ha"):  # fmt: skip

    @fault(f"no attribute {_column}", ABORT)
    def _(twin: Twin, column: str = _column) -> None:
        twin.frame = twin.frame.drop(columns=column)


for _column, _type in (
    ("uid", int), ("du_id", int), ("code_1_21", float), ("code_2_21", str), ("code_4_21", float),
    ("nodata_21", float), ("nodata_21", str), ("area_ha", int),
    ("area_ha", str), ("comment_21", int),
):  # fmt: skip

    @fault(f"{_column} of the type {_type.__name__}", ABORT)
    def _(twin: Twin, column: str = _column, kind: type = _type) -> None:
        old = twin.frame[column]
        values = np.zeros(len(old)) if old.dtype in (object, "string") else old
        twin.frame[column] = np.asarray(values).astype(kind)


for _column in ("confidence", "perimeter", "id", "shape_leng"):

    @fault(f"an attribute {_column} too much", {"attribute": "failed"})
    def _(twin: Twin, column: str = _column) -> None:
        twin.frame[column] = 1.0


@fault("a fid that is an ordinary column", {"attribute": "failed"})
def _(twin: Twin) -> None:
    twin.suffix = ".parquet"
    twin.frame["fid"] = 1


@fault("a covering column under the name of geopandas", {"attribute": "failed"})
def _(twin: Twin) -> None:
    twin.suffix = ".parquet"
    twin.options |= {"write_covering_bbox": True, "schema_version": "1.1.0"}


# --- epsg ---------------------------------------------------------------------------------------

EPSG = {"epsg": "aborted"}

for _code in (4326, 3857, 32633, 3034):

    @fault(f"a layer in EPSG:{_code}", EPSG)
    def _(twin: Twin, code: int = _code) -> None:
        twin.frame = twin.frame.to_crs(code)


@fault("a layer without a system", EPSG)
def _(twin: Twin) -> None:
    twin.suffix = ".parquet"
    twin.frame = twin.frame.set_crs(None, allow_override=True)


def _nameless() -> pyproj.CRS:
    text = pyproj.CRS(3035).to_json_dict()
    text.pop("id")
    return pyproj.CRS.from_json_dict(text)


@fault("the right system without its number, in GeoParquet", EPSG)
def _(twin: Twin) -> None:
    twin.suffix = ".parquet"
    twin.frame = twin.frame.set_crs(_nameless(), allow_override=True)


@fault("the right system without its number, in a GeoPackage", EPSG)
def _(twin: Twin) -> None:
    def forget(path: Path) -> None:
        content = {}
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                content[name] = archive.read(name)
        layer = path.parent / "nameless.gpkg"
        layer.write_bytes(content[f"{twin.layer}.gpkg"])
        with closing(sqlite3.connect(layer)) as database:
            database.execute(
                "update gpkg_spatial_ref_sys set organization = 'NONE', definition = ? "
                "where organization_coordsys_id = 3035",
                (_nameless().to_wkt("WKT1_GDAL"),),
            )
            database.commit()
        zipped(path, content | {f"{twin.layer}.gpkg": layer.read_bytes()})

    twin.archive = forget


# --- metadata -----------------------------------------------------------------------------------

METADATA = {"strict:metadata": "failed"}


@fault("no metadata", METADATA)
def _(twin: Twin) -> None:
    twin.metadata = {}


@fault("metadata under another name", METADATA)
def _(twin: Twin) -> None:
    twin.metadata = {"metadata/other.xml": b"<a/>"}


@fault("metadata that are no XML", METADATA)
def _(twin: Twin) -> None:
    twin.metadata = {f"{twin.layer}.xml": b"<gmd:MD_Metadata"}


@fault("metadata with another root", METADATA)
def _(twin: Twin) -> None:
    twin.metadata = {f"{twin.layer}_metadata.xml": b"<MD_Metadata/>"}


@fault("two folders of metadata", METADATA)
def _(twin: Twin) -> None:
    record = b"<gmd:MD_Metadata xmlns:gmd='http://www.isotc211.org/2005/gmd'/>"
    twin.metadata = {f"metadata/{twin.layer}.xml": record, "old_metadata/other.xml": record}


# --- boundary -----------------------------------------------------------------------------------


@fault("no boundary", {"gap": "cancelled"})
def _(twin: Twin) -> None:
    twin.boundary = None


@fault("a unit that the boundary spells otherwise", {"gap": "failed"})
def _(twin: Twin) -> None:
    twin.boundary = gpd.GeoDataFrame({"du_id": ["DU0014"]}, geometry=[AREA], crs=3035)


@fault("a boundary that is larger by 5 cm", {"gap": "failed"})
def _(twin: Twin) -> None:
    twin.boundary["geometry"] = twin.boundary.buffer(0.05, join_style="mitre")


@fault("a boundary that is smaller", {"strict:boundary": "failed"})
def _(twin: Twin) -> None:
    twin.boundary["geometry"] = [parts.square(0, 0, 9, 8.9)]
