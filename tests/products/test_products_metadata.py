from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import products_parts as parts
import pytest
from pyproj import Transformer

from bocage.products import Delivery, load_schema, metadata_xml

NS = {
    "gmd": "http://www.isotc211.org/2005/gmd",
    "gco": "http://www.isotc211.org/2005/gco",
    "gmx": "http://www.isotc211.org/2005/gmx",
    "gml": "http://www.opengis.net/gml",
}
XLINK = "{http://www.w3.org/1999/xlink}href"


def _root(delivery: Delivery, kind: str = "status", year: int | None = 2021) -> ET.Element:
    return ET.fromstring(metadata_xml(delivery, kind, year, parts.AREA.bounds).encode())


def _texts(root: ET.Element, path: str) -> list[str | None]:
    return [e.text for e in root.findall(path, NS)]


def test_core_elements(pa: Delivery) -> None:
    root = _root(pa)
    assert root.tag == f"{{{NS['gmd']}}}MD_Metadata"
    name = pa.name("status", 2021)
    assert _texts(root, "gmd:fileIdentifier/gco:CharacterString") == [name]
    assert _texts(root, "gmd:dateStamp/gco:Date") == ["2026-11-22"]
    crs = root.findall(".//gmd:referenceSystemInfo//gmx:Anchor", NS)
    assert [a.get(XLINK) for a in crs] == ["http://www.opengis.net/def/crs/EPSG/0/3035"]
    keywords = _texts(root, ".//gmd:keyword/gco:CharacterString")
    assert keywords == ["Land cover", "Land use", "European Union", "blacksea"]
    assert _texts(root, ".//gml:beginPosition") == ["2021-01-01"]
    assert _texts(root, ".//gml:endPosition") == ["2021-12-31"]
    assert _texts(root, ".//gmd:spatialResolution//gco:Distance") == ["10"]
    for path in ("gmd:language", "gmd:contact", ".//gmd:lineage//gco:CharacterString",
                 ".//gmd:abstract/gco:CharacterString"):  # fmt: skip
        assert root.find(path, NS) is not None


def test_the_box_is_in_degrees(pa: Delivery) -> None:
    root = _root(pa)
    found = {
        side: float(_texts(root, f".//gmd:{side}/gco:Decimal")[0] or "nan")
        for side in ("westBoundLongitude", "southBoundLatitude")
    }
    convert = Transformer.from_crs(3035, 4326, always_xy=True)
    east, north = convert.transform(parts.X0, parts.Y0)
    assert found["westBoundLongitude"] == pytest.approx(east, abs=2e-4)
    assert found["southBoundLatitude"] == pytest.approx(north, abs=2e-4)


def test_change_and_raster_differ(pa: Delivery) -> None:
    change = _root(pa, "change", None)
    assert _texts(change, ".//gml:beginPosition") == ["2021-01-01"]
    assert _texts(change, ".//gml:endPosition") == ["2024-12-31"]
    raster = _root(pa, "raster", 2024)
    code = raster.find(".//gmd:MD_SpatialRepresentationTypeCode", NS)
    assert code is not None
    assert code.text == "grid"
    assert _texts(raster, ".//gmd:spatialResolution//gco:Distance") == ["2.5"]


def test_texts_are_escaped(pa: Delivery) -> None:
    schema = load_schema("plain")
    schema = replace(schema, metadata={**schema.metadata, "organisation": "Smith & <Sons>"})
    root = _root(replace(pa, schema=schema))
    assert "Smith & <Sons>" in _texts(root, ".//gmd:organisationName/gco:CharacterString")
