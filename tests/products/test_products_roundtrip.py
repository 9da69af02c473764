"""Any schema that can be written can be read, and its layers read back as they were made."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import products_parts as parts
import pyogrio
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import ConfigError
from bocage.legend import Legend, LegendClass
from bocage.products import (
    Delivery,
    check,
    definition_for,
    list_schemas,
    load_schema,
    status_layer,
    write_boundary,
    write_layer,
)

WORD = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
TYPES = {"uid": "string", "unit": "string", "code": "integer", "notation": "string",
         "name": "string", "nodata": "integer", "comment": "string", "area": "real"}  # fmt: skip


@st.composite
def schemas(draw: st.DrawFn) -> dict:
    roles = ["code", *draw(st.lists(st.sampled_from(sorted(set(TYPES) - {"code"})), unique=True))]
    roles = draw(st.permutations(roles))
    levelled = draw(st.booleans())
    fields = [
        {
            "role": role,
            "name": f"{draw(WORD)}{n}" + ("_{level}_{yy}" if role == "code" and levelled else ""),
            "type": TYPES[role],
        }
        for n, role in enumerate(roles)
    ]
    return {
        "extends": draw(st.sampled_from(["plain", "pa"])),
        "id": draw(WORD),
        "title": draw(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20)),
        "mmu_ha": draw(st.floats(0.01, 100, allow_nan=False)),
        "names": {"status": draw(WORD) + "_{year}_{unit}_{version}"},
        "status": {
            "fields": fields,
            "comments": draw(st.lists(WORD, max_size=3, unique=True)),
            "exceptions": [],
        },
        "products": draw(st.lists(st.sampled_from(["status", "raster"]), min_size=1, unique=True)),
    }


def _legend(levels: int, size: int, noted: bool) -> Legend:
    classes = []
    for n in range(size):
        codes = tuple((n // 10 + 1) * 10**k + (k == levels - 1) * n for k in range(levels - 1))
        leaf = 10_000_000 + n
        path = (*codes, leaf)
        words = tuple(f"Ä {c}" for c in path)
        classes.append(LegendClass(path, words, "#123456", notations=words if noted else ()))
    return Legend("any", tuple(classes))


@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_any_schema_with_any_legend_round_trips(tmp_path_factory, data: st.DataObject) -> None:
    given_, folder = data.draw(schemas()), tmp_path_factory.mktemp("s")
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(given_, allow_unicode=True), encoding="utf-8")
    schema = load_schema(path)
    assert (schema.id, schema.title, schema.mmu_ha) == (
        given_["id"], given_["title"], given_["mmu_ha"],
    )  # fmt: skip
    assert list(schema.products) == given_["products"]
    assert pickle.loads(pickle.dumps(schema)) == schema
    levels = data.draw(st.integers(1, 4))
    legend = _legend(levels, data.draw(st.integers(1, 500)), data.draw(st.booleans()))
    delivery = replace(parts.delivery((2021,)), schema=schema, legend=legend)
    codes = np.array(data.draw(st.lists(st.sampled_from((0, *legend.codes())), min_size=16,
                                        max_size=16)))  # fmt: skip
    layer = status_layer(parts.view().assign(code=codes), 2021, delivery)
    files = write_layer(layer, folder, delivery, "status", 2021, flatgeobuf=True)
    name = delivery.name("status", 2021)
    fields = delivery.fields("status", 2021)
    for file in (files.geopackage, files.geoparquet, files.flatgeobuf):
        again = _read(file, name)
        assert again.geometry.geom_equals_exact(layer.geometry, 0).all()
        for field in fields:
            expected, found = layer[field.name], again[field.name]
            if field.type == "string":
                pairs = zip(expected.fillna(""), found.fillna(""), strict=True)
                assert all(a == b for a, b in pairs), field
            else:
                np.testing.assert_array_equal(found, expected)
    definition = definition_for(delivery, "status", 2021)
    assert [f.name for f in definition.fields] == [f.name for f in fields]
    assert len(definition.chains) == len(legend)


def _read(file: Path, name: str) -> gpd.GeoDataFrame:
    if file.suffix == ".parquet":
        return gpd.read_parquet(file)
    frame = pyogrio.read_dataframe(file, layer=name)
    # FlatGeobuf sorts by place: back to the order of the layer, north to south.
    bounds = frame.bounds
    return frame.iloc[np.lexsort((bounds.minx, -bounds.maxy))].reset_index(drop=True)


def test_a_schema_adds_to_what_it_extends(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("extends: plain\nid: base\nmmw_m: 20\n")
    (tmp_path / "own.yaml").write_text(
        "extends: base.yaml\nid: own\nlegend: key.csv\nnames: {status: 'own_{year}'}\n"
        "raster: {pixel_m: 10}\nmetadata: {organisation: Me, conformance: []}\n"
    )
    schema, plain = load_schema(tmp_path / "own.yaml"), load_schema("plain")
    assert (schema.id, schema.mmw_m, schema.mmu_ha) == ("own", 20, plain.mmu_ha)
    assert schema.names["status"] == "own_{year}"
    assert schema.names["change"] == plain.names["change"]
    assert (schema.raster.pixel_m, schema.raster.nodata) == (10, plain.raster.nodata)
    assert schema.legend == str(tmp_path / "key.csv")
    assert schema.metadata["organisation"] == "Me"
    assert schema.metadata["conformance"] == []
    assert schema.metadata["thesaurus"] == plain.metadata["thesaurus"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: own.yaml\n", "extends itself"),
        ("extends: corine\n", "no schema 'corine'"),
        ("extends: plain\nproducts: [status, film]\n", "products: film"),
        ("extends: plain\nlegends: clc\n", "unknown key legends"),
    ],
)
def test_a_wrong_extension_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_schema(tmp_path / "own.yaml")


def test_a_schema_without_a_name_for_the_lineage_delivers_none(tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "src" / "bocage" / "products" / "data"
    old = yaml.safe_load((folder / "plain.yaml").read_text("utf-8"))
    del old["names"]["lineage"]
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(old))
    schema = load_schema(tmp_path / "old.yaml")
    assert "lineage" not in schema.products
    delivery: Delivery = replace(parts.delivery((2021,)), schema=schema)
    assert "lineage" not in {kind for kind, _ in delivery.products()}


@pytest.mark.parametrize("name", list_schemas())
def test_packaged_schemas_have_all_they_need(name: str) -> None:
    schema = load_schema(name)
    assert schema.products
    for kind in schema.products:
        assert kind in schema.names
        assert f"{kind}_abstract" in schema.metadata


@pytest.mark.parametrize("name", ["code_{level}", "code"])
def test_the_check_needs_the_finest_codes_only(tmp_path: Path, name: str) -> None:
    (tmp_path / "own.yaml").write_text(
        "extends: plain\nid: own\nmmu_ha: 2\nstatus:\n  fields:\n"
        "    - {role: uid, name: uid, type: string}\n"
        f'    - {{role: code, name: "{name}", type: integer}}\n'
        "    - {role: nodata, name: nodata, type: integer}\n"
        "    - {role: area, name: area_ha, type: real}\n"
        "  exceptions:\n    - {name: built, min_ha: 0.5, top: [1]}\n"
        "    - {name: wet, min_ha: 0.5, not_top: [1, 2, 3, 5, 7]}\n"
    )
    delivery = replace(parts.delivery((2021,)), schema=load_schema(tmp_path / "own.yaml"))
    view = parts.view()
    layer = status_layer(view, 2021, delivery)
    files = write_layer(layer, tmp_path, delivery, "status", 2021)
    boundary = write_boundary(parts.AREA, delivery.unit, tmp_path)
    found = check([files.zip], definition_for(delivery, "status", 2021), boundary=boundary)
    assert found["strict:codes"].outcome == "ok"
    excused = view["code"].floordiv(1000).isin([1, 4]).sum()
    assert 0 < excused < len(view)
    assert found["mmu"].faults == found["strict:mmu"].faults == len(view) - excused
