"""Styles of class layers and rasters: QML for QGIS, SLD 1.1 for everything else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree as ET

from bocage.legend import Legend

COARSE = 2
"""Down to this level there is a style of its own beside that of the finest level."""

_NODATA = "#d9d9d9"
_OUTLINE = "#6e6e6e"
_SLD = {
    "": "http://www.opengis.net/sld",
    "se": "http://www.opengis.net/se",
    "ogc": "http://www.opengis.net/ogc",
    "xlink": "http://www.w3.org/1999/xlink",
}


Category = tuple[int, str, str]
"""A value, its label and its colour."""


def categories(legend: Legend, level: int | None = None) -> list[Category]:
    """Code, label and colour of each class of a level (the leaves), then of code 0 (no data)."""
    found = [
        (code, f"{code} {legend.name(code, level)}", legend.color(code, level))
        for code in legend.codes(level)
    ]
    return [*found, (0, "0 No data", _NODATA)]


def qml_style(legend: Legend, attribute: str, level: int | None = None) -> str:
    """QGIS style (QML) that colours polygons by the code in an attribute.

    Parameters
    ----------
    legend
        Names and colours.
    attribute
        The column with codes of the level.
    level
        A level of the legend, the leaves when None.
    """
    root = ET.Element(
        "qgis", version="3.22.0", styleCategories="Symbology", hasScaleBasedVisibilityFlag="0"
    )
    renderer = ET.SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr=attribute, forceraster="0",
        symbollevels="0", enableorderby="0",
    )  # fmt: skip
    groups = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for position, (code, label, color) in enumerate(categories(legend, level)):
        ET.SubElement(
            groups, "category", value=str(code), type="long", symbol=str(position), label=label,
            render="true",
        )  # fmt: skip
        _fill(symbols, str(position), color)
    return _qgis(root)


def _fill(parent: ET.Element, name: str, color: str) -> None:
    symbol = ET.SubElement(
        parent, "symbol", type="fill", name=name, alpha="1", clip_to_extent="1", force_rhr="0"
    )
    layer = ET.SubElement(
        symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"}
    )
    for key, value in (
        ("color", ",".join(map(str, (*rgb(color), 255)))),
        ("outline_color", ",".join(map(str, (*rgb(_OUTLINE), 255)))),
        ("outline_style", "solid"),
        ("outline_width", "0.06"),
        ("outline_width_unit", "MM"),
        ("style", "solid"),
    ):
        ET.SubElement(layer, "prop", k=key, v=value)


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green, blue of ``#rrggbb``."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _qgis(root: ET.Element) -> str:
    ET.indent(root)
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return head + ET.tostring(root, encoding="unicode") + "\n"


def index_categories(legend: Legend, level: int | None = None) -> list[Category]:
    """Class index, label and colour at a level of each leaf, after 0 (no data)."""
    found = [(0, "0 No data", _NODATA)]
    for index, leaf in enumerate(legend.classes, start=1):
        code = leaf.code if level is None else legend.parent(leaf.code, level)
        found.append((index, f"{code} {legend.name(code, level)}", legend.color(code, level)))
    return found


def qml_raster_style(legend: Legend, level: int | None = None) -> str:
    """QGIS style (QML) of a raster of class indices, in the colours of a level."""
    return qml_palette(index_categories(legend, level))


def qml_palette(entries: Sequence[Category]) -> str:
    """QGIS style (QML) of a raster of some values with a label and a colour each."""
    root = ET.Element("qgis", version="3.22.0", styleCategories="Symbology")
    pipe = ET.SubElement(root, "pipe")
    renderer = ET.SubElement(
        pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1",
        nodataColor="",
    )  # fmt: skip
    palette = ET.SubElement(renderer, "colorPalette")
    for value, label, color in entries:
        ET.SubElement(
            palette, "paletteEntry", value=str(value), color=color, label=label, alpha="255"
        )
    return _qgis(root)


def sld_style(legend: Legend, attribute: str, level: int | None = None) -> str:
    """SLD 1.1 style that colours polygons by the code in an attribute; as `qml_style`."""
    root, style = _sld(attribute)
    for code, label, color in categories(legend, level):
        rule = _se(style, "Rule")
        _se(rule, "Name", label)
        _se(_se(rule, "Description"), "Title", label)
        test = ET.SubElement(ET.SubElement(rule, "ogc:Filter"), "ogc:PropertyIsEqualTo")
        ET.SubElement(test, "ogc:PropertyName").text = attribute
        ET.SubElement(test, "ogc:Literal").text = str(code)
        symbol = _se(rule, "PolygonSymbolizer")
        _parameters(_se(symbol, "Fill"), {"fill": color})
        _parameters(_se(symbol, "Stroke"), {"stroke": _OUTLINE, "stroke-width": "0.2"})
    return _document(root)


def sld_raster_style(legend: Legend, level: int | None = None) -> str:
    """SLD 1.1 style of a raster of class indices; as `qml_raster_style`."""
    return sld_palette(index_categories(legend, level), "class index")


def sld_palette(entries: Sequence[Category], name: str) -> str:
    """SLD 1.1 style of a raster of some rising values; as `qml_palette`."""
    root, style = _sld(name)
    table = _se(_se(_se(style, "Rule"), "RasterSymbolizer"), "ColorMap")
    steps = _se(table, "Categorize")
    steps.set("fallbackValue", _NODATA)
    _se(steps, "LookupValue", "Rasterdata")
    # A value belongs to the colour behind the highest threshold that it reaches.
    _se(steps, "Value", entries[0][2])
    for _, (index, _, color) in pairwise(entries):
        _se(steps, "Threshold", str(index))
        _se(steps, "Value", color)
    return _document(root)


def _sld(name: str) -> tuple[ET.Element, ET.Element]:
    """A document and the element that its rules go into."""
    names = {f"xmlns:{p}" if p else "xmlns": uri for p, uri in _SLD.items()}
    root = ET.Element("StyledLayerDescriptor", {"version": "1.1.0", **names})
    layer = ET.SubElement(root, "NamedLayer")
    _se(layer, "Name", name)
    return root, _se(ET.SubElement(layer, "UserStyle"), "FeatureTypeStyle")


def _se(parent: ET.Element, tag: str, text: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, f"se:{tag}")
    element.text = text
    return element


def _parameters(parent: ET.Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        _se(parent, "SvgParameter", value).set("name", name)


def _document(root: ET.Element) -> str:
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
