"""QGIS styles of class layers."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from bocage.legend import Legend

_NODATA = "#d9d9d9"
_OUTLINE = "#6e6e6e"


def categories(legend: Legend) -> list[tuple[int, str, str]]:
    """Code, label and colour of each leaf, then of code 0 (no data)."""
    found = [(c.code, f"{c.code} {c.name}", c.color) for c in legend.classes]
    return [*found, (0, "0 No data", _NODATA)]


def qml_style(legend: Legend, attribute: str) -> str:
    """QGIS style (QML) that colours polygons by the code in an attribute.

    Parameters
    ----------
    legend
        Names and colours.
    attribute
        The column with leaf codes.
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
    for position, (code, label, color) in enumerate(categories(legend)):
        ET.SubElement(
            groups, "category", value=str(code), type="long", symbol=str(position), label=label,
            render="true",
        )  # fmt: skip
        _fill(symbols, str(position), color)
    return _document(root)


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


def _document(root: ET.Element) -> str:
    ET.indent(root)
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return head + ET.tostring(root, encoding="unicode") + "\n"


def qml_raster_style(legend: Legend) -> str:
    """QGIS style (QML) of a raster of class indices."""
    root = ET.Element("qgis", version="3.22.0", styleCategories="Symbology")
    pipe = ET.SubElement(root, "pipe")
    renderer = ET.SubElement(
        pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1",
        nodataColor="",
    )  # fmt: skip
    palette = ET.SubElement(renderer, "colorPalette")
    for index, leaf in enumerate(legend.classes, start=1):
        label = f"{leaf.code} {leaf.name}"
        ET.SubElement(
            palette, "paletteEntry", value=str(index), color=leaf.color, label=label, alpha="255"
        )
    ET.SubElement(palette, "paletteEntry", value="0", color=_NODATA, label="0 No data", alpha="255")
    return _document(root)
