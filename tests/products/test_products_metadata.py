from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import products_parts as parts
import pytest
from pyproj import Transformer

from bocage.products import Delivery, load_schema, metadata_xml
from bocage.products._metadata import geographic_bounds

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
    assert [a.get(XLINK) for a in crs] == [
        "http://www.opengis.net/def/crs/EPSG/0/3035",
        "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian",
    ]
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


# Path, least and most occurrences: what the product's rules and the interoperability suite name.
_IDENT = "gmd:identificationInfo/gmd:MD_DataIdentification/"
_CITE = f"{_IDENT}gmd:citation/gmd:CI_Citation/"
_QUALITY = "gmd:dataQualityInfo/gmd:DQ_DataQuality/"
CARDINALITY = {
    "gmd:fileIdentifier": (1, 1),
    "gmd:language": (1, 1),
    "gmd:characterSet": (1, 1),
    "gmd:hierarchyLevel": (1, 1),
    "gmd:contact": (1, None),
    "gmd:contact//gmd:electronicMailAddress": (1, None),
    "gmd:dateStamp": (1, 1),
    "gmd:metadataStandardName": (1, 1),
    "gmd:metadataStandardVersion": (1, 1),
    "gmd:referenceSystemInfo": (1, None),
    "gmd:spatialRepresentationInfo": (1, 1),
    f"{_CITE}gmd:title": (1, 1),
    f"{_CITE}gmd:date": (1, None),
    f"{_CITE}gmd:identifier": (1, None),
    f"{_IDENT}gmd:abstract": (1, 1),
    f"{_IDENT}gmd:pointOfContact": (1, None),
    f"{_IDENT}gmd:resourceMaintenance": (1, 1),
    f"{_IDENT}gmd:descriptiveKeywords//gmd:thesaurusName": (1, None),
    f"{_IDENT}gmd:resourceConstraints//gmd:useLimitation": (1, None),
    f"{_IDENT}gmd:resourceConstraints//gmd:accessConstraints": (1, 1),
    f"{_IDENT}gmd:resourceConstraints//gmd:useConstraints": (1, 1),
    f"{_IDENT}gmd:spatialRepresentationType": (1, 1),
    f"{_IDENT}gmd:spatialResolution": (1, 1),
    f"{_IDENT}gmd:language": (1, None),
    f"{_IDENT}gmd:topicCategory": (1, None),
    f"{_IDENT}gmd:extent//gmd:EX_GeographicBoundingBox": (1, 1),
    f"{_IDENT}gmd:extent//gml:TimePeriod": (1, 1),
    "gmd:distributionInfo//gmd:distributionFormat//gmd:version": (1, None),
    "gmd:distributionInfo//gmd:onLine//gmd:URL": (1, None),
    f"{_QUALITY}gmd:scope": (1, 1),
    f"{_QUALITY}gmd:report//gmd:DQ_ConformanceResult/gmd:pass": (2, None),
    f"{_QUALITY}gmd:lineage//gmd:statement": (1, 1),
}
PRODUCTS = [("status", 2021), ("change", None), ("raster", 2021), ("confidence", 2021),
            ("heterogeneity", 2021), ("lineage", 2024)]  # fmt: skip


@pytest.mark.parametrize(("kind", "year"), PRODUCTS)
def test_all_elements_as_often_as_they_may_occur(pa: Delivery, kind: str, year: int | None) -> None:
    shape = None if kind in ("status", "change") else (400, 800)
    text = metadata_xml(pa, kind, year, parts.AREA.bounds, count=16, shape=shape)
    root = ET.fromstring(text.encode())
    for path, (least, most) in CARDINALITY.items():
        found = len(root.findall(path, NS))
        assert found >= least, path
        assert most is None or found <= most, path
    for element in root.iter():
        text_of = (element.text or "").strip()
        has = len(element) or text_of or element.get(XLINK) or len(element.attrib)
        assert has, f"{element.tag} is empty"


@pytest.mark.parametrize(("kind", "year"), PRODUCTS)
@pytest.mark.parametrize("edition", ["20060504", "20070417"])
def test_records_are_valid_by_the_schema_of_the_standard(
    pa: Delivery, kind: str, year: int | None, edition: str
) -> None:
    etree = pytest.importorskip("lxml.etree")
    pycsw = find_spec("pycsw")  # it ships the schemas of ISO 19139; its code is not needed
    if pycsw is None or pycsw.origin is None:
        pytest.skip("pycsw is not installed")
    folder = Path(pycsw.origin).parent / "plugins/profiles/apiso/schemas/ogc/iso/19139"
    entry = str(folder / edition / "gmx" / "gmx.xsd")
    schema = etree.XMLSchema(etree.parse(entry, etree.XMLParser(no_network=True)))
    shape = None if kind in ("status", "change") else (400, 800)
    text = metadata_xml(pa, kind, year, parts.AREA.bounds, count=16, shape=shape)
    if edition == "20070417":  # the later edition is the same but for the namespace of GML
        text = text.replace(f'"{NS["gml"]}"', f'"{NS["gml"]}/3.2"')
    assert schema.validate(etree.fromstring(text.encode())), schema.error_log
    broken = text.replace("<gmd:dateStamp>", "<gmd:dateStamps>").replace(
        "</gmd:dateStamp>", "</gmd:dateStamps>"
    )
    assert not schema.validate(etree.fromstring(broken.encode()))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_owslib_reads_back_what_was_written(pa: Delivery) -> None:
    iso = pytest.importorskip("owslib.iso")
    etree = pytest.importorskip("lxml.etree")
    text = metadata_xml(pa, "status", 2021, parts.AREA.bounds, count=16)
    record = iso.MD_Metadata(etree.fromstring(text.encode()))
    found = record.identification
    name = pa.name("status", 2021)
    assert (record.identifier, record.hierarchy, record.charset) == (name, "dataset", "utf8")
    assert (record.datestamp, record.stdname) == ("2026-11-22", "ISO 19115")
    assert record.referencesystem.code == "EPSG:3035"
    assert found.title == "Protected Areas land cover / land use 2021 status, blacksea"
    assert found.uricode == [name]
    assert [(d.date, d.type) for d in found.date] == [("2026-11-22", "publication")]
    assert (found.distance, found.uom) == (["10"], ["m"])
    assert (found.temporalextent_start, found.temporalextent_end) == ("2021-01-01", "2021-12-31")
    assert found.resourcelanguagecode == ["eng"]
    assert found.topiccategory == pa.schema.metadata["topics"]
    assert found.keywords2[0].keywords == ["Land cover", "Land use"]
    assert found.keywords2[0].thesaurus["title"] == pa.schema.metadata["thesaurus"]["title"]
    west, south, _, _ = geographic_bounds(parts.AREA.bounds, 3035)
    assert (float(found.bbox.minx), float(found.bbox.miny)) == (west, south)
    assert [c.role for c in found.contact] == ["custodian", "pointOfContact"]
    reports = pa.schema.metadata["conformance"]
    assert record.dataquality.conformancetitle == [r["title"] for r in reports]
    assert record.dataquality.lineage == pa.schema.metadata["lineage"]
    assert (record.distribution.format, record.distribution.version) == ("GeoPackage", "1.3")


def test_a_schema_states_what_it_conforms_to(pa: Delivery) -> None:
    own = [{"title": "Mine", "date": "2020-01-01", "explanation": "Tested.", "passed": True}]
    schema = replace(pa.schema, metadata={**pa.schema.metadata, "conformance": own})
    root = _root(replace(pa, schema=schema))
    assert _texts(root, ".//gmd:pass/gco:Boolean") == ["true"]
    unknown = _root(pa).findall(".//gmd:pass", NS)
    assert [p.get(f"{{{NS['gco']}}}nilReason") for p in unknown] == ["unknown", "unknown"]
