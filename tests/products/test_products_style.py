from __future__ import annotations

from xml.etree import ElementTree as ET

import products_parts as parts

from bocage.products import qml_raster_style, qml_style


def test_a_category_and_a_symbol_for_each_class() -> None:
    legend = parts.small_legend()
    root = ET.fromstring(qml_style(legend, "code_2"))
    renderer = root.find("renderer-v2")
    assert renderer is not None
    assert renderer.get("attr") == "code_2"
    found = [(c.get("value"), c.get("label")) for c in renderer.findall("categories/category")]
    assert found == [("11", "11 field"), ("12", "12 wood"), ("21", "21 lake"), ("0", "0 No data")]
    names = [s.get("name") for s in renderer.findall("symbols/symbol")]
    assert names == [c.get("symbol") for c in renderer.findall("categories/category")]
    color = renderer.find("symbols/symbol/layer/prop[@k='color']")
    assert color is not None
    assert color.get("v") == "170,187,0,255"


def test_a_raster_style_colours_class_indices() -> None:
    root = ET.fromstring(qml_raster_style(parts.small_legend()))
    entries = {e.get("value"): e.get("color") for e in root.iter("paletteEntry")}
    assert entries == {"1": "#aabb00", "2": "#00aa00", "3": "#0000aa", "0": "#d9d9d9"}
