"""How QGIS shows a label store: points in the colours of their classes, and a form to fill in."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from bocage.legend import Legend
from bocage.tables import Style

_OPEN = "255,0,160,255"  # no class of a legend shines like this
_TOLD = ("round", "year", "why", "score", "guess", "chance")


def form(legend: Legend) -> Style:
    """Style of a label store: ``code`` is chosen from a list of the leaves of the legend."""
    root = ET.Element(
        "qgis", version="3.22.0", styleCategories="Symbology|Forms|Fields", labelsEnabled="0"
    )
    names = [(str(c), f"{c} {legend.name(c)}") for c in legend.codes()]
    _drawing(root, legend, names)
    fields = ET.SubElement(root, "fieldConfiguration")
    for field in ("code", "guess"):
        widget = ET.SubElement(
            ET.SubElement(fields, "field", name=field, configurationFlags="None"),
            "editWidget",
            type="ValueMap",
        )
        _choices(ET.SubElement(widget, "config"), names)
    editable = ET.SubElement(root, "editable")
    for field in _TOLD:
        ET.SubElement(editable, "field", name=field, editable="0")
    ET.SubElement(root, "layerGeometryType").text = "0"
    ET.indent(root)
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return Style("labels", head + ET.tostring(root, encoding="unicode") + "\n", "")


def _choices(config: ET.Element, names: list[tuple[str, str]]) -> None:
    options = ET.SubElement(ET.SubElement(config, "Option", type="Map"), "Option")
    options.attrib.update({"name": "map", "type": "List"})
    # QGIS's own value for an empty field.
    for value, label in [("{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}", "not answered"), *names]:
        one = ET.SubElement(options, "Option", type="Map")
        ET.SubElement(one, "Option", name=label, type="QString", value=value)


def _drawing(root: ET.Element, legend: Legend, names: list[tuple[str, str]]) -> None:
    renderer = ET.SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr="code", forceraster="0",
        symbollevels="0", enableorderby="0",
    )  # fmt: skip
    groups = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    kinds = [(code, label, _rgba(legend.color(int(code))), "2.6") for code, label in names]
    for number, (value, label, color, size) in enumerate([("", "to answer", _OPEN, "4"), *kinds]):
        ET.SubElement(
            groups, "category", value=value, type="string" if value == "" else "long",
            symbol=str(number), label=label, render="true",
        )  # fmt: skip
        symbol = ET.SubElement(
            symbols, "symbol", type="marker", name=str(number), alpha="1", clip_to_extent="1",
            force_rhr="0",
        )  # fmt: skip
        layer = ET.SubElement(
            symbol, "layer", {"class": "SimpleMarker", "enabled": "1", "locked": "0", "pass": "0"}
        )
        drawn = {"color": color, "name": "circle", "outline_color": "35,35,35,255", "size": size}
        for key, text in {**drawn, "size_unit": "MM", "outline_width": "0.3"}.items():
            ET.SubElement(layer, "prop", k=key, v=text)


def _rgba(color: str) -> str:
    return ",".join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5)) + ",255"
