from __future__ import annotations

import pickle
import re
from importlib import resources

import pytest
import yaml

from bocage.errors import ConfigError, InputError
from bocage.products import list_schemas, load_schema

OFFICIAL = (
    r"^clms_pa_lcuc_s2021_(?P<aoi_code>[0-9a-z]{6})_(?P<du_name>[a-z]+)_v05ha_eu27_"
    r"(?P<epsg_code>[0-9]{5})_v[0-9]{2}_r[0-9]{2}_[0-9]{8}$"
)
GOOD = "clms_pa_lcuc_s2021_du0014_blacksea_v05ha_eu27_03035_v01_r01_20260211"


@pytest.mark.parametrize(
    "name",
    [
        GOOD,
        GOOD + "x",
        GOOD.replace("blacksea", "black_sea"),
        GOOD.replace("blacksea", "blackseä"),
        GOOD.replace("s2021", "s2024"),
        GOOD.replace("du0014", "du14"),
        GOOD.replace("_v01_", "_v1_"),
        GOOD.replace("03035", "3035"),
        "x" + GOOD,
    ],
)
def test_the_name_pattern_accepts_what_the_published_one_accepts(name: str) -> None:
    pattern = load_schema("pa").pattern("status", [2021])
    assert bool(re.fullmatch(pattern, name)) == bool(re.search(OFFICIAL, name))


def test_status_fields_of_pa() -> None:
    fields = load_schema("pa").fields("status", [2021], 4)
    assert [(f.name, f.type) for f in fields] == [
        ("uid", "string"),
        ("du_id", "string"),
        *((f"code_{n}_21", "integer") for n in range(1, 5)),
        ("nodata_21", "integer"),
        ("comment_21", "string"),
        ("area_ha", "real"),
    ]
    assert {f.position for f in fields} == {0}


def test_change_fields_know_their_year() -> None:
    fields = load_schema("pa").fields("change", [2021, 2024], 4)
    codes = [(f.name, f.level, f.position) for f in fields if f.role == "code"]
    assert codes[0] == ("code_1_21", 1, 0)
    assert codes[-1] == ("code_4_24", 4, 1)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_plain_has_a_field_per_level(levels: int) -> None:
    names = [f.name for f in load_schema("plain").fields("status", [2021], levels)]
    assert names == ["uid", *(f"code_{n}" for n in range(1, levels + 1)), "nodata", "comment",
                     "area_ha"]  # fmt: skip


def test_schemas_survive_pickling() -> None:
    for name in list_schemas():
        schema = load_schema(name)
        again = pickle.loads(pickle.dumps(schema))
        assert again == schema
        assert hash(again) == hash(schema)


def _broken(tmp_path, change):
    text = (resources.files("bocage.products") / "data" / "plain.yaml").read_text("utf-8")
    data = yaml.safe_load(text)
    change(data)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def _without_code(layer, word):
    fields = layer["fields"]
    layer["fields"] = [f for f in fields if f["role"] != "code" or word not in f["name"]]


def test_a_schema_can_be_a_file(tmp_path) -> None:
    path = _broken(tmp_path, lambda d: d.update(id="mine", mmu_ha=25))
    assert load_schema(path).mmu_ha == 25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("title"), "missing key title"),
        (lambda d: d.update(colour=1), "unknown key colour"),
        (lambda d: d["names"].pop("raster"), "missing raster"),
        (lambda d: d["names"].update(status="{place}_x"), "unknown placeholder place"),
        (lambda d: d["status"]["fields"][0].update(type="text"), "'text' is unknown"),
        (lambda d: d["status"]["exceptions"][0].update(least=1), "unknown key least"),
        (lambda d: d["raster"].pop("nodata"), "missing key nodata"),
        (lambda d: _without_code(d["status"], ""), "status: 1 years, but 0 with"),
        (lambda d: _without_code(d["change"], "_to"), "change: 2 years, but 1 with"),
    ],
)
def test_a_wrong_schema_is_named(tmp_path, change, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_schema(_broken(tmp_path, change))


def test_unknown_schemas_are_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match="no schema 'corine'"):
        load_schema("corine")
    with pytest.raises(InputError, match="no such file"):
        load_schema(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [", encoding="utf-8")
    with pytest.raises(ConfigError, match="no valid YAML"):
        load_schema(bad)
    bad.write_text("- 1", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no mapping"):
        load_schema(bad)
