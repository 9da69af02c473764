from __future__ import annotations

from xml.etree import ElementTree as ET

import products_parts as parts

from bocage.products import qml_raster_style, qml_style, sld_raster_style, sld_style

NS = {"sld": "http://www.opengis.net/sld", "se": "http://www.opengis.net/se",
      "ogc": "http://www.opengis.net/ogc"}  # fmt: skip


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


def test_styles_of_a_coarse_level() -> None:
    legend = parts.small_legend()
    root = ET.fromstring(qml_style(legend, "code_1", 1))
    found = [(c.get("value"), c.get("label")) for c in root.iter("category")]
    assert found == [("1", "1 land"), ("2", "2 water"), ("0", "0 No data")]
    palette = ET.fromstring(qml_raster_style(legend, 1)).iter("paletteEntry")
    entries = [(e.get("value"), e.get("color"), e.get("label")) for e in palette]
    assert entries[1:] == [
        ("1", "#aabb00", "1 land"), ("2", "#aabb00", "1 land"), ("3", "#0000aa", "2 water"),
    ]  # fmt: skip


def test_an_sld_has_a_rule_for_each_class() -> None:
    root = ET.fromstring(sld_style(parts.small_legend(), "code_2"))
    assert root.tag == f"{{{NS['sld']}}}StyledLayerDescriptor"
    assert root.get("version") == "1.1.0"
    rules = root.findall("sld:NamedLayer/sld:UserStyle/se:FeatureTypeStyle/se:Rule", NS)
    assert len(rules) == 4
    tests = [(r.findtext(".//ogc:PropertyName", None, NS), r.findtext(".//ogc:Literal", None, NS))
             for r in rules]  # fmt: skip
    assert tests == [("code_2", "11"), ("code_2", "12"), ("code_2", "21"), ("code_2", "0")]
    fill = rules[0].find("se:PolygonSymbolizer/se:Fill/se:SvgParameter", NS)
    assert fill is not None
    assert (fill.get("name"), fill.text) == ("fill", "#aabb00")


def test_a_raster_sld_steps_through_the_class_indices() -> None:
    root = ET.fromstring(sld_raster_style(parts.small_legend()))
    steps = root.find(".//se:RasterSymbolizer/se:ColorMap/se:Categorize", NS)
    assert steps is not None
    found = [(e.tag.partition("}")[2], e.text) for e in steps]
    assert found == [
        ("LookupValue", "Rasterdata"), ("Value", "#d9d9d9"),
        ("Threshold", "1"), ("Value", "#aabb00"), ("Threshold", "2"), ("Value", "#00aa00"),
        ("Threshold", "3"), ("Value", "#0000aa"),
    ]  # fmt: skip
