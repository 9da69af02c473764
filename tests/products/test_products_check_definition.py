from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import products_parts as parts
import pytest
import yaml

from bocage.errors import ConfigError
from bocage.products import Delivery, definition_for, list_products, load_product, load_schema

LINEAR = (1210, 1220, 8110, 8120)


@pytest.mark.parametrize("name", list_products())
def test_packaged_products_load(name: str) -> None:
    product = load_product(name)
    assert product.id == name
    assert product.kind == name.split("-")[1]
    assert product.epsg == 3035
    assert pickle.loads(pickle.dumps(product)) == product
    assert hash(product) == hash(load_product(name))


def test_the_rules_of_the_2021_status() -> None:
    product = load_product("pa-status-2021")
    assert len(product.chains) == 59
    assert len({c[2] for c in product.chains}) == 55
    assert (product.mmu_ha, product.mmw_m, product.gap) == (0.5, 10, True)
    assert product.mmw_codes == frozenset(LINEAR)
    rules = {e.name: e for e in product.exceptions}
    assert [(e.name, e.min_ha) for e in product.exceptions] == [
        ("marginal", 0.1), ("linear", 0.1), ("urban at road or rail", 0.25),
        ("other at linear", 0.05), ("comment", 0),
    ]  # fmt: skip
    assert rules["linear"].codes == rules["linear"].touching == LINEAR
    assert rules["urban at road or rail"].touching == (1210, 1220)
    assert product.leaves == ("code_4_21",)
    assert len(product.comments) == 7


def test_the_change_product_has_two_years_and_no_gap_step() -> None:
    product = load_product("pa-change-2021-2024")
    assert product.leaves == ("code_4_21", "code_4_24")
    assert not product.gap
    assert "du_id" in product.ignored
    assert [e.cluster_ha for e in product.exceptions if e.cluster_ha] == [0.5]


def test_n2k_has_its_own_names_and_57_codes() -> None:
    product = load_product("n2k-status-2018")
    leaves = {c[-1] for c in product.chains}
    assert len(leaves) == 57
    assert {6310, 6330} <= leaves
    assert not {6311, 6312, 6331, 6332} & leaves
    assert product.leaves == ("code_4_18",)
    assert product.named("comment") == ("comment_18",)


def test_n2k_change_follows_the_change_layer() -> None:
    product = load_product("n2k-change-2012-2018")
    assert product.leaves == ("code_4_12", "code_4_18")
    assert product.named("changecode") == ("changecode",)
    assert [e.cluster_ha for e in product.exceptions if e.cluster_ha] == [0.5]
    assert "Temporal fluctuation of water level" not in product.comments


def test_riparian_zones_have_both_years_in_one_layer() -> None:
    product = load_product("rz-status-2018")
    assert product.leaves == ("code_4_12", "code_4_18")
    assert (1, 11, 111, 1112) in product.chains
    assert (2, 22, 220, 2200) in product.chains  # not split further
    assert product.mmw_codes == {c[-1] for c in product.chains}
    assert product.gap


def test_coastal_zones_have_classes_of_their_own() -> None:
    leaves = {c[-1] for c in load_product("cz-status-2018").chains}
    assert {1231, 6312, 8420} <= leaves
    assert load_product("cz-status-2018").mmw_codes == set(LINEAR)


def test_urban_atlas_has_one_level_and_codes_as_text() -> None:
    status, change = load_product("ua-status-2018"), load_product("ua-change-2012-2018")
    assert (11100,) in status.chains
    assert {f.type for f in change.fields if f.role == "code"} == {"string"}
    assert (status.mmu_ha, change.mmu_ha) == (1, 0.25)
    assert not change.mmw_codes & {12210, 12220, 12230}


def test_definitions_of_a_delivery(pa: Delivery) -> None:
    assert definition_for(pa, "status", 2021).fields == load_product("pa-status-2021").fields
    assert definition_for(pa, "change").layer == load_product("pa-change-2021-2024").layer
    plain = replace(pa, legend=parts.small_legend(), schema=load_schema("plain"))
    product = definition_for(plain, "status", 2021)
    assert product.layer == "my_site_status_2021"
    assert product.chains == ((1, 11), (1, 12), (2, 21))
    rules = {e.name: e for e in product.exceptions}
    assert rules["linear"].codes == (12,)
    with pytest.raises(ConfigError, match="'confidence' cannot be checked"):
        definition_for(pa, "confidence", 2021)


def test_a_legend_without_lines_excuses_nothing_at_lines(pa: Delivery) -> None:
    legend = parts.small_legend()
    dry = replace(legend, classes=tuple(replace(c, flags=frozenset()) for c in legend.classes))
    plain = replace(pa, legend=dry, schema=load_schema("plain"))
    rules = {e.name: e for e in definition_for(plain, "status", 2021).exceptions}
    assert rules["linear"].codes == (-1,)


def _product(folder: Path, **changes: object) -> Path:
    data = {"id": "mine", "schema": "plain", "legend": "pa", "kind": "status", "years": [2018]}
    data.update(changes)
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def test_a_product_file_overrides_the_schema(tmp_path: Path) -> None:
    legend = "code_1,name_1\n1,land\n2,water\n"
    (tmp_path / "my.csv").write_text(legend, encoding="utf-8")
    path = _product(
        tmp_path,
        legend="my.csv",
        layer="mine_.*",
        mmu_ha=25,
        gap=False,
        codes={"drop": [2], "add": [[3]]},
        mmw_codes=[1],
        comments=["small"],
        exceptions=[{"name": "comment", "comment": True, "min_ha": 0}],
        fields=[{"role": "code", "name": "KLASS", "type": "integer", "level": 1}],
    )
    product = load_product(path)
    assert product.chains == ((1,), (3,))
    assert (product.mmu_ha, product.gap, product.layer) == (25, False, "mine_.*")
    assert (product.mmw_codes, product.comments) == (frozenset({1}), ("small",))
    assert product.leaves == ("klass",)
    assert [e.name for e in product.exceptions] == ["comment"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "mosaic"}, "a mosaic product of 1 years"),
        ({"kind": "change"}, "a change product of 1 years"),
        ({"mmu": 1}, "unknown key mmu"),
        ({"codes": {"leaves": [1], "only": []}}, "codes: unknown key only"),
        ({"codes": {"less": []}}, "codes: unknown key less"),
        ({"exceptions": [{"name": "x"}]}, "missing key min_ha"),
        ({"fields": [{"name": "x"}]}, "missing key role, type"),
    ],
)
def test_wrong_product_files_are_named(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_product(_product(tmp_path, **changes))


def test_a_wrong_selector_is_named(pa: Delivery) -> None:
    schema = load_schema("plain")
    rules = replace(schema.layers["status"], mmw_codes=("klass:1",))
    wrong = replace(schema, layers={**schema.layers, "status": rules})
    with pytest.raises(ConfigError, match="'klass:1' selects no class"):
        definition_for(replace(pa, schema=wrong), "status", 2021)
