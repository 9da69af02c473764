"""A tiny place that the whole chain maps in seconds: three classes, four months, two years."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
import yaml
from rasterio.transform import from_origin

WEST, NORTH = 4_320_000, 3_211_000  # on the corner of two blocks of 500 m
SIDE = 1000
SPECTRA = {  # reflectance in spring, summer, late summer and autumn of B02, B03, B04, B08
    1: ((0.06, 0.05, 0.04, 0.02), (0.05, 0.04, 0.03, 0.02)),
    2: ((0.05, 0.08, 0.06, 0.30), (0.04, 0.07, 0.04, 0.45)),
    3: ((0.09, 0.12, 0.15, 0.22), (0.06, 0.09, 0.07, 0.38)),
}
MONTHS = (3, 6, 8, 10)


def truth(year: int) -> np.ndarray:
    """Class 1 in the west, 2 in the north-east, 3 in the south-east; a change later on."""
    n = SIDE // 10
    classes = np.full((n, n), 2, np.uint8)
    classes[:, : n // 3] = 1
    classes[n // 2 :, n // 3 :] = 3
    if year == 2024:
        classes[n // 2 : n // 2 + 15, 60:80] = 2
    return classes


def write(path: Path, data: np.ndarray, names: tuple[str, ...] = (), **profile: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bands = data if data.ndim == 3 else data[None]
    defaults = {
        "driver": "GTiff",
        "count": len(bands),
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": bands.dtype,
        "crs": "EPSG:3035",
        "transform": from_origin(WEST, NORTH, 10, 10),
        "nodata": 0,
        "compress": "deflate",
    }
    with rasterio.open(path, "w", **{**defaults, **profile}) as target:
        target.write(bands)
        for i, name in enumerate(names, start=1):
            target.set_band_description(i, name)


def make_images(folder: Path, years: tuple[int, ...] = (2021, 2024)) -> None:
    bands = ("B02", "B03", "B04", "B08")
    for year in years:
        classes = truth(year)
        for month in MONTHS:
            rng = np.random.default_rng(year * 100 + month)
            image = np.zeros((4, *classes.shape))
            for code, (spring, summer) in SPECTRA.items():
                spectrum = np.array(spring if month in (3, 10) else summer)
                image[:, classes == code] = spectrum[:, None]
            image += rng.normal(0, 0.012, image.shape)
            scaled = np.clip(image * 10000, 1, 10000).astype(np.uint16)
            write(folder / f"S2_{year}{month:02d}15.tif", scaled, bands)


def write_national_key(folder: Path) -> str:
    """A key of two levels, its crosswalk and its schema; the name of the schema file."""
    (folder / "key.csv").write_text(
        "code_1,name_1,code_2,name_2,notation_1,notation_2\n"
        "1,Water,11,Lake,W,W.1\n2,Land,21,Wood,L,L.1\n2,Land,22,Meadow,L,L.2\n"
    )
    (folder / "key_crosswalk.csv").write_text(
        "source_code,code,primary\nW.1,1,1\nL.1,2,1\nL.2,3,1\nL.1,3,0\n"
    )
    (folder / "key.yaml").write_text(
        "extends: plain\nid: key\ntitle: National key\nlegend: key.csv\n"
        "crosswalk: key_crosswalk.csv\nmmu_ha: 1\nproducts: [status, change, raster]\n"
        "components: {legend: key.csv, crosswalk: key_crosswalk.csv, groups: {woods: [21]}}\n"
        "change: {exceptions: []}\nstatus:\n  exceptions: []\n  fields:\n"
        "    - {role: uid, name: uid, type: string}\n"
        '    - {role: code, name: "code_{level}", type: integer}\n'
        "    - {role: nodata, name: nodata, type: integer}\n"
        "    - {role: comment, name: comment, type: string}\n"
        "    - {role: attribute, name: woods, type: real}\n"
        "    - {role: attribute, name: water_persistence, type: real}\n"
        "    - {role: attribute, name: sealing, type: real}\n"
        "    - {role: attribute, name: safe_level, type: real}\n"
        "    - {role: area, name: area_ha, type: real}\n"
    )
    return "key.yaml"


def make_project(folder: Path, images: Path) -> Path:
    from bocage.imagery import build_catalog

    folder.mkdir(parents=True)
    build_catalog(images, folder / "catalog" / "catalog.json")
    (folder / "legend.csv").write_text(
        "code_1,name_1,color\n1,Water,#2b7bba\n2,Wood,#2f7d4f\n3,Grass,#8fce5a\n"
    )
    for year in (2021, 2024):
        write(folder / f"reference_{year}.tif", truth(year))
    inner = shapely.box(WEST + 210, NORTH - 790, WEST + 790, NORTH - 215)
    hole = shapely.box(WEST + 400, NORTH - 420, WEST + 440, NORTH - 380)
    sites = gpd.GeoDataFrame(
        {"site_id": ["one"]}, geometry=[shapely.difference(inner, hole)], crs="EPSG:3035"
    )
    sites.to_file(folder / "sites.gpkg", layer="sites")
    project = {
        "name": "tiny",
        "years": [2021, 2024],
        "aoi": {"sites": "sites.gpkg", "region": "continental"},
        "grid": {"block_m": 500, "halo_m": 160},
        "legend": "legend.csv",
        "imagery": {
            "catalog": "catalog/catalog.json",
            "cloud_mask": "none",
            "bands": ["B02", "B03", "B04", "B08"],
            "months": list(MONTHS),
        },
        "samples": {
            "sources": [{"layer": "reference_2021.tif", "crosswalk": "identity", "reliability": 3}],
            "cell_m": 100,
            "fold_m": 100,
        },
        "model": {"epochs": 8, "width": 16, "unlabelled": 2000},
        "generalize": {"mmu_ha": 0.5, "mmw_m": 10, "rules": "plain"},
        "products": {
            "schema": "plain",
            "date": "20241231",
            "schemas": ["plain", write_national_key(folder)],
            "formats": ["fgb"],
        },
        "accuracy": {
            "reference": {2021: "reference_2021.tif", 2024: "reference_2024.tif"},
            "points": 300,
            "baselines": ["random_forest"],
        },
    }
    path = folder / "project.yaml"
    path.write_text(yaml.safe_dump(project, sort_keys=False))
    return path
