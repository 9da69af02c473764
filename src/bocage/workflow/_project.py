"""The project file: one YAML, validated as a whole before anything runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from bocage.errors import ConfigError
from bocage.files import existing


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AoiConfig(_Section):
    """Where to map: site polygons or a rectangle, and the unit that is delivered."""

    sites: str | None = Field(None, description="file of site polygons")
    bbox: tuple[float, float, float, float] | None = Field(
        None, description="[west, south, east, north] instead of sites"
    )
    crs: str = Field("EPSG:3035", description="coordinate reference system of bbox")
    delivery_unit: str = Field("du0000", description="code of the delivery unit, such as du0014")
    delivery_name: str | None = Field(None, description="name of the unit, lower-case letters")
    region: str = Field("continental", description="biogeographical region, or a file of polygons")

    @model_validator(mode="after")
    def _one_of_two(self) -> AoiConfig:
        if (self.sites is None) == (self.bbox is None):
            raise ValueError("give either sites or bbox")
        return self


class GridConfig(_Section):
    """Size of the pieces that are processed in one go."""

    block_m: int = Field(2000, description="side of a block, metres")
    halo_m: int = Field(160, description="margin that is read beside a block, metres")


class ImageryConfig(_Section):
    """Where the images come from and how a month is made of them."""

    catalog: str = Field(description="static STAC catalogue (file) or STAC API (URL)")
    collection: str = Field("sentinel-2-l2a", description="id of the STAC collection")
    cloud_mask: str = Field("scl", description="scl, none, or the name of a mask asset")
    dilation_px: int = Field(2, ge=0, le=50, description="growth of cloud and shadow, 10 m pixels")
    bands: tuple[str, ...] = Field(
        ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"), min_length=1
    )
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field(
        tuple(range(1, 13)), min_length=1, description="months of the year to use"
    )
    first_month: int = Field(
        1, ge=1, le=12, description="first month of the 12 that end in the status year; 11: Nov–Oct"
    )
    years_around: int = Field(0, ge=0, le=3, description="also use the same months of year ± n")
    allow_missing_months: bool = Field(
        False, description="map although a listed month has no image at all"
    )
    screen: Literal["series", "none"] = Field(
        "series", description="series: find clouds and shadows that the mask missed; none: trust it"
    )
    snow: Literal["avoid", "keep"] = Field(
        "avoid", description="avoid: snow counts only where a month shows nothing else"
    )
    coregister: Literal["none", "report", "apply"] = Field(
        "none", description="report: find how far each date lies aside; apply: put it right too"
    )
    composite: Literal["median", "geomedian", "medoid", "weighted_medoid"] = Field(
        "geomedian", description="median, geomedian (of all bands at once), medoid, weighted_medoid"
    )
    fill: Literal["linear", "none"] = Field(
        "linear", description="linear: between the observed months of the pixel, flagged as filled"
    )
    smooth: Literal["none", "whittaker"] = Field(
        "none", description="whittaker: smooth the months of each pixel"
    )
    smooth_strength: float = Field(
        1.0, gt=0, description="what a bend of the year costs beside one clear observation"
    )
    terrain: str | None = Field(
        None,
        description="raster of heights in metres; the classifier sees height and slope",
    )
    illumination: Literal["none", "c_correction", "scs_c"] = Field(
        "none",
        description="c_correction: slopes look as bright as level ground; scs_c: the same for "
        "woods; both need terrain",
    )
    brdf: Literal["none", "c_factor"] = Field(
        "none", description="c_factor: what the satellite would see from straight above"
    )
    max_cloud_cover: float = Field(100, ge=0, le=100, description="leave out cloudier images, %")

    @model_validator(mode="after")
    def _heights(self) -> ImageryConfig:
        if self.illumination != "none" and self.terrain is None:
            raise ValueError(
                f"illumination: {self.illumination} needs heights: give terrain, or set it to none"
            )
        return self


class SuperresConfig(_Section):
    """How 10 m becomes 2.5 m."""

    backend: str = Field("default", description="super-resolution backend")
    psf_mtf: dict[str, Annotated[float, Field(ge=0.01, le=0.95)]] = Field(
        default_factory=dict,
        description="modulation transfer at Nyquist where it differs from the table: {B02: 0.25}",
    )
    frames: bool = Field(
        False,
        description="super-resolve the dates of a month one by one, each where it lies, before "
        "they are composited: sharper, at ten times the time and more memory",
    )


class SourceConfig(_Section):
    """One reference layer that samples are drawn from."""

    layer: str = Field(description="raster or vector file")
    crosswalk: str = Field("identity", description="identity, a packaged crosswalk, or a CSV file")
    reliability: int = Field(2, ge=1, le=3, description="3 main source, 2 second, 1 hint")
    field: str | None = Field(None, description="attribute with the class, vector layers")
    name: str | None = None
    nodata: int | None = Field(None, description="value without a class, raster layers")


class SamplesConfig(_Section):
    """Where and how training samples are drawn."""

    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    labels: str | None = Field(
        None, description="GeoPackage of what people have answered; 'bocage ask' fills in questions"
    )
    layers: dict[str, str] = Field(
        default_factory=dict,
        description="rasters that the conditions of the crosswalks name, such as "
        "{canopy_height: FILE}, see docs/labels.md",
    )
    cell_m: float = Field(500, gt=0, description="side of the sampling cells")
    cubes_per_cell: int = Field(5, ge=1, description="most cubes of a class in a cell")
    enrich: dict[int, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="most cubes in a cell of single classes instead, code of any level: number",
    )
    cube_m: float = Field(8, gt=0, description="side of a cube of 3 x 3 points")
    centroid_border_m: float = Field(
        12, ge=0, description="distance of a patch's central cube from class borders"
    )
    random_border_m: float = Field(
        15, ge=0, description="distance of random cubes from class borders"
    )
    spacing_m: float = Field(15, ge=0, description="distance between cubes")
    ring_m: float = Field(5, ge=0, description="ring at class borders without points")
    fold_m: float = Field(1000, gt=0, description="side of the squares that folds are made of")


class ModelConfig(_Section):
    """The classifier."""

    engine: Literal["field", "pixel", "trees"] = Field(
        "field",
        description="the network, a TempCNN on single pixels, or a forest on single pixels",
    )
    epochs: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        "auto", description="passes over the pixels; auto: some thousand steps"
    )
    regions: Literal["conditioned", "global"] = Field(
        "conditioned", description="one model that is told the region, or that is not"
    )
    blend_km: float = Field(
        30, ge=0, description="strip along a border of regions in which one passes into the other"
    )
    width: int = Field(128, ge=16, le=512, description="hidden units of the network")
    unlabelled: int = Field(
        60_000, ge=0, description="pixels without labels that are learned from, over all blocks"
    )
    seed: int = Field(0, description="added to the seed of the project")


class ChangeConfig(_Section):
    """Prior knowledge about change between two status years."""

    stay: float = Field(0.98, gt=0, lt=1, description="share of the land that keeps its class")


class LineConfig(_Section):
    """One layer of lines that is drawn into the map."""

    layer: str
    width_m: float = Field(10.0, gt=0, description="width of lines that state none")


def _as_line(value: object) -> object:
    return {"layer": value} if isinstance(value, str) else value


Line = Annotated[LineConfig, BeforeValidator(_as_line)]


class LinearConfig(_Section):
    """Line layers by role."""

    roads: Line | None = None
    rails: Line | None = None
    rivers: Line | None = None


class GeneralizeConfig(_Section):
    """From pixels to polygons."""

    mmu_ha: float = Field(0.5, gt=0, description="minimum mapping unit, hectares")
    mmw_m: float = Field(10, ge=0, description="minimum mapping width, metres")
    rules: str = Field("pa", description="pa, plain, or a YAML file")


class ProductsConfig(_Section):
    """What is delivered, and under which name."""

    out: str = Field("products", description="folder of the deliveries")
    schema_: str = Field(
        "pa", alias="schema", description="pa, plain, or a YAML file, see docs/products.md"
    )
    schemas: tuple[str, ...] = Field(
        (),
        description="further deliveries of the same map, in folders of their own: n2k2018, clc, "
        "clcplus, maes, eunis, lulucf, eagle, or YAML files",
    )
    layers: dict[str, str] = Field(
        default_factory=dict,
        description="rasters that decide where a class becomes one of several, such as "
        "{imperviousness: FILE}",
    )
    formats: tuple[Literal["fgb"], ...] = Field(
        (), description="formats beside GeoPackage and GeoParquet: fgb (FlatGeobuf)"
    )
    version: str = Field("v01", pattern=r"^v\d{2}$", description="part of the names")
    revision: str = Field("r01", pattern=r"^r\d{2}$", description="part of the names")
    date: str = Field("20261122", pattern=r"^\d{8}$", description="yyyymmdd, part of the names")

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class ReferenceConfig(_Section):
    """A map, polygons or points that the result is compared with."""

    layer: str
    field: str | None = None
    crosswalk: str | None = None


def _as_reference(value: object) -> object:
    return {"layer": value} if isinstance(value, str) else value


class AccuracyConfig(_Section):
    """What the map is measured against."""

    reference: dict[int, Annotated[ReferenceConfig, BeforeValidator(_as_reference)]] = Field(
        default_factory=dict, description="year: file, or {layer, field, crosswalk}"
    )
    area: str | None = Field(
        None, description="polygons to measure in; no sample is drawn there or within gap_m of them"
    )
    gap_m: float = Field(50, ge=0, description="margin of area without samples, metres")
    points: int = Field(3000, ge=50, description="number of validation points per year")
    baselines: tuple[Literal["random_forest", "lightgbm"], ...] = Field(
        (), description="also train these on the same samples and bands"
    )


class Project(_Section):
    """A project file.

    Relative paths are relative to the file; `path` gives them absolute.
    """

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="letters, digits, _ and -"
    )
    years: tuple[int, ...] = Field(
        min_length=1, max_length=2, description="one or two status years"
    )
    aoi: AoiConfig
    legend: str = Field("pa", description="id, or a CSV with code_1 … code_n and name_1 … name_n")
    grid: GridConfig = GridConfig()
    imagery: ImageryConfig
    superres: SuperresConfig = SuperresConfig()
    samples: SamplesConfig
    model: ModelConfig = ModelConfig()
    change: ChangeConfig = ChangeConfig()
    linear: LinearConfig = LinearConfig()
    generalize: GeneralizeConfig = GeneralizeConfig()
    products: ProductsConfig = ProductsConfig()
    accuracy: AccuracyConfig = AccuracyConfig()
    report: str = Field("report", description="folder of the report")
    work: str = Field("work", description="folder of all intermediate state")
    seed: int = Field(0, description="seed of every random step")
    file: Path = Field(exclude=True)

    @model_validator(mode="after")
    def _keys_agree(self) -> Project:
        if list(self.years) != sorted(set(self.years)):
            raise ValueError("years: give one year, or two different years in order")
        if unknown := set(self.accuracy.reference) - set(self.years):
            raise ValueError(f"accuracy.reference: {sorted(unknown)} is no status year")
        if strange := set(self.superres.psf_mtf) - set(self.imagery.bands):
            raise ValueError(f"superres.psf_mtf: {sorted(strange)} is not in imagery.bands")
        if self.superres.frames and self.imagery.smooth != "none":
            raise ValueError("superres.frames: dates are not smoothed, use imagery.smooth: none")
        return self

    def only_years(self, years: tuple[int, ...]) -> Project:
        """The same project for some of its years."""
        if unknown := set(years) - set(self.years):
            raise ConfigError(
                f"{sorted(unknown)} is no year of {self.file}", remedy=f"it has {list(self.years)}"
            )
        kept = {y: r for y, r in self.accuracy.reference.items() if y in years}
        accuracy = self.accuracy.model_copy(update={"reference": kept})
        return self.model_copy(update={"years": tuple(sorted(years)), "accuracy": accuracy})

    @property
    def folder(self) -> Path:
        """Folder of the project file."""
        return self.file.parent

    def path(self, relative: str | Path) -> Path:
        """Absolute path of something the project file names."""
        return (self.folder / relative).resolve()

    @property
    def work_folder(self) -> Path:
        """Folder of all intermediate state."""
        return self.path(self.work)


def load_project(path: Path | str) -> Project:
    """Read and validate a project file.

    Raises
    ------
    ConfigError
        If the file is no YAML mapping or a key is missing, unknown or out of range; the
        message names file, line and key.
    """
    path = existing(path, "project file")
    text = path.read_text(encoding="utf-8")
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no mapping", remedy="see 'bocage init' for the keys")
    if "file" in data:
        raise ConfigError(f"{path}: unknown key: file", remedy="take it out")
    # A section whose keys are all commented out is null in YAML: its defaults are meant.
    given = {key: value for key, value in data.items() if value is not None}
    try:
        return Project(**given, file=path.resolve())
    except ValidationError as error:
        lines = [_explain(path, tree, dict(e)) for e in error.errors()]
        raise ConfigError(
            "\n".join(lines), remedy="'bocage init' writes a project file with every key explained"
        ) from None


def _explain(path: Path, tree: Any, error: dict[str, Any]) -> str:
    keys = [k for k in error["loc"] if not (isinstance(k, str) and re.search(r"[\[(]", k))]
    line = _line_of(tree, keys)
    name = ".".join(str(k) for k in keys) or "project"
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "unknown key"
    return f"{path}:{line}: {name}: {message}"


def _line_of(node: Any, keys: list[str | int]) -> int:
    line = int(node.start_mark.line) + 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == str(key)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
        else:
            break
    return line


def project_schema() -> dict[str, Any]:
    """JSON Schema of the project file, for editors."""
    schema = Project.model_json_schema(by_alias=True)
    schema["properties"].pop("file", None)
    schema["required"] = [k for k in schema.get("required", []) if k != "file"]
    schema["title"] = "bocage project"
    return schema
