import json
from importlib import resources

import pytest
import yaml

from bocage.errors import ConfigError, InputError
from bocage.workflow import init, load_project, project_schema, project_template

GOOD = """\
name: my-site
years: [2021, 2024]
aoi:
  sites: sites.gpkg
  delivery_unit: du0014
  delivery_name: blacksea
  region: continental
legend: pa
imagery:
  catalog: catalog/catalog.json
  collection: sentinel-2-l2a
  cloud_mask: scl
superres: {backend: default}
samples:
  sources:
    - {layer: reference/clcplus.tif, crosswalk: clcplus, reliability: 2}
    - {layer: reference/n2k2018.gpkg, field: code_4_18, crosswalk: n2k2018, reliability: 3}
model: {epochs: auto, regions: conditioned}
linear: {roads: linear/roads.gpkg, rails: linear/rails.gpkg, rivers: linear/rivers.gpkg}
generalize: {mmu_ha: 0.5, mmw_m: 10, rules: pa}
products: {out: products, schema: pa, version: v01, revision: r01, date: 20261122}
work: work
"""


def load(tmp_path, text):
    path = tmp_path / "project.yaml"
    path.write_text(text)
    return load_project(path)


def test_the_contract_s_example_is_read(tmp_path):
    project = load(tmp_path, GOOD)
    assert project.years == (2021, 2024)
    assert project.samples.sources[1].field == "code_4_18"
    assert project.linear.roads.layer == "linear/roads.gpkg"
    assert project.products.schema_ == "pa"
    assert project.products.date == "20261122"
    assert project.path("a/b") == (tmp_path / "a" / "b").resolve()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("legend: pa", "legends: pa", r":8: legends: unknown key"),
        ("reliability: 2", "reliability: 7", r":16: samples.sources.0.reliability: .*less than"),
        ("cloud_mask: scl", "cloudmask: scl", r":12: imagery.cloudmask: unknown key"),
        ("years: [2021, 2024]", "years: [2024, 2021]", "years: give one year, or two"),
        ("years: [2021, 2024]", "years: []", r":2: years:"),
        ("backend: default", "psf_mtf: {B02: 2}", r":13: superres.psf_mtf.B02: .*less than"),
        ("backend: default", "psf_mtf: {B2: 0.2}", r"psf_mtf: \['B2'\] is not in imagery.bands"),
        (
            "cloud_mask: scl\nsuperres: {",
            "cloud_mask: scl\n  smooth: whittaker\nsuperres: {frames: true, ",
            "superres.frames: dates are not smoothed",
        ),
        ("  catalog: catalog/catalog.json\n", "", r":9: imagery.catalog: Field required"),
        ("epochs: auto", "epochs: many", r":18: model.epochs"),
        ("version: v01", "version: one", r"products.version"),
        ("  sites: sites.gpkg\n", "", "give either sites or bbox"),
        ("name: my-site", "name: ../x", r":1: name"),
        ("cloud_mask: scl", "illumination: scs_c", r":9: imagery: .*scs_c needs heights"),
        ("cloud_mask: scl", "brdf: fixed", r":12: imagery.brdf"),
    ],
)
def test_faults_are_named_with_line_and_key(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, GOOD.replace(old, new))


def test_all_faults_are_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(
            tmp_path, GOOD.replace("legend: pa", "legends: pa").replace("mmu_ha: 0.5", "mmu_ha: -1")
        )
    assert "legends" in str(caught.value)
    assert "mmu_ha" in str(caught.value)


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n", ""])
def test_no_mapping_is_named(tmp_path, text):
    with pytest.raises(ConfigError, match=r"project\.yaml"):
        load(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_project(tmp_path / "nowhere.yaml")


def test_only_years(tmp_path):
    project = load(tmp_path, GOOD + "accuracy: {reference: {2021: a.tif, 2024: b.tif}}\n")
    one = project.only_years((2024,))
    assert one.years == (2024,)
    assert list(one.accuracy.reference) == [2024]
    with pytest.raises(ConfigError, match="2030"):
        project.only_years((2030,))


def test_init_explains_every_key_and_can_be_read(tmp_path):
    path = init(tmp_path / "new")
    project = load_project(path)
    assert project.name == "my-site"
    assert (tmp_path / "new" / "reference").is_dir()
    with pytest.raises(ConfigError, match="exists already"):
        init(tmp_path / "new")

    text = project_template()
    schema = project_schema()
    for name, section in schema["$defs"].items():
        if name in ("SourceConfig", "LineConfig", "ReferenceConfig"):
            continue
        for key in section["properties"]:
            assert f"{key}:" in text, f"{name}.{key} is not in the template"


def test_every_commented_key_of_the_template_is_valid(tmp_path):
    schema = project_schema()
    keys = set(schema["properties"])
    keys |= {k for section in schema["$defs"].values() for k in section["properties"]}
    lines = []
    for line in project_template().splitlines():
        words = line.strip().removeprefix("# ")
        is_key = line.strip().startswith("# ") and words.split(":")[0] in keys - {"layer"}
        lines.append(line.replace("# ", "", 1) if is_key and ": null" not in words else line)
    text = "\n".join(lines)
    data = yaml.safe_load(text)
    assert data["generalize"]["mmu_ha"] == 0.5
    assert data["accuracy"]["baselines"] == []
    assert load(tmp_path, text).generalize.mmw_m == 10


def test_schema_is_json():
    schema = project_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert "file" not in schema["properties"]
    assert "schema" in schema["$defs"]["ProductsConfig"]["properties"]


def test_the_published_schema_is_that_of_the_code():
    """Made anew with: python -c "import json; from bocage.workflow import project_schema; …"."""
    published = resources.files("bocage.workflow") / "data" / "project.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == project_schema()
