"""The examples on real Sentinel-2 series, beside a TempCNN, a random forest and LightGBM.

All methods are trained on the same samples and bands on one side of the scene and measured at the
same points on the other side; the TempCNN is the engine ``pixel``.

``python -m benchmarks.real [CASE …] [--prepare] [--json]``
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio
import shapely

from bocage.files import atomic_path
from bocage.imagery import build_catalog
from bocage.workflow import Project, load_project, make_plan, run

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
DATA = ROOT.parent / "shared" / "data"
METHODS = ("raster", "polygons", "tempcnn", "random_forest", "lightgbm")


def flanders(data: Path, out: Path) -> None:
    """Parcel reference of 2018, as it is."""
    with rasterio.open(data / "s2_flanders_2018" / "reference_lc.tif") as source:
        _write(out / "reference.tif", source.read(1), source.profile)


def belgium(data: Path, out: Path) -> None:
    """Class of the highest crop probability inside cropland; codes of the example's legend."""
    crops = {
        "wheat": 11,
        "barley": 12,
        "beet": 13,
        "potatoes": 14,
        "rapeseed_rape": 15,
        "maize": 16,
    }
    with rasterio.open(data / "s2_belgium_monthly_2021" / "model_probabilities_2021.tif") as source:
        prefix = "croptype_probability:tc-s1:"
        names = [
            d.removeprefix(prefix) if d.startswith(prefix) else "" for d in source.descriptions
        ]
        chosen = [i for i, n in enumerate(names, start=1) if n and n != "no_crop"]
        codes = np.array([crops.get(names[i - 1], 17) for i in chosen], dtype=np.uint8)
        best = codes[np.argmax(source.read(chosen), axis=0)]
        cropland = source.read(1)
        classes = np.where(cropland == 1, best, 20).astype(np.uint8)
        _write(out / "reference.tif", classes, {**source.profile, "count": 1})


def boadella(data: Path, out: Path) -> None:
    """Water outlines of one date, and everything else as land."""
    folder = data / "s2_boadella_2020_2022"
    water = shapely.union_all(gpd.read_file(folder / "water_20210716.geojson").geometry.to_numpy())
    with rasterio.open(folder / "S2L2A_20210716.tif") as source:
        land = shapely.difference(shapely.box(*source.bounds), water)
    frame = gpd.GeoDataFrame({"code": [1, 2]}, geometry=[water, land], crs="EPSG:4326")
    with atomic_path(out / "reference.gpkg") as part:
        pyogrio.write_dataframe(
            frame, part, driver="GPKG", layer="reference", promote_to_multi=True
        )


def _write(path: Path, classes: np.ndarray, profile: dict[str, Any]) -> None:
    profile = {**profile, "driver": "GTiff", "dtype": classes.dtype, "nodata": 0}
    with atomic_path(path) as part, rasterio.open(part, "w", **profile) as target:
        target.write(classes, 1)


CASES: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "flanders_2018": ("s2_flanders_2018", flanders),
    "belgium_2021": ("s2_belgium_monthly_2021", belgium),
    "boadella_2021": ("s2_boadella_2020_2022", boadella),
}


def prepare(case: str, data: Path = DATA, example: Path | None = None) -> Path:
    """Make the catalogue and the reference of a case; return its project file."""
    folder, reference = CASES[case]
    example = example or EXAMPLES / case
    reference(data, example / "input")
    build_catalog(
        data / folder,
        example / "input" / "catalog" / "catalog.json",
        config=example / "catalog.yaml",
    )
    return example / "project.yaml"


def measure(case: str) -> dict[str, Any]:
    """Run a case and return the accuracy of every method."""
    project = load_project(prepare(case))
    found, level = _accuracy(project)
    found["tempcnn"] = _accuracy(_with_tempcnn(project))[0]["raster"]
    rows = {
        name: {k: found[name][level][k] for k in ("oa", "oa_ci95", "macro_f1")} for name in METHODS
    }
    return {
        "case": case,
        "level": int(level),
        "points": found["points"],
        "ece": found["ece"],
        **rows,
    }


def _accuracy(project: Project) -> tuple[dict[str, Any], str]:
    """What a run says of itself, and the deepest level."""
    plan = make_plan(project)
    run(plan)
    (year,) = project.years
    text = plan.file("accuracy", f"{year}.json").read_text(encoding="utf-8")
    return json.loads(text), str(plan.legend.levels)


def _with_tempcnn(project: Project) -> Project:
    """The same project with a TempCNN on single pixels, in folders of its own."""
    return project.model_copy(
        update={
            "model": project.model.model_copy(update={"engine": "pixel"}),
            "products": project.products.model_copy(update={"out": "products_tempcnn"}),
            "accuracy": project.accuracy.model_copy(update={"baselines": []}),
            "work": f"{project.work}_tempcnn",
        }
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the cases and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="CASE")
    parser.add_argument("--prepare", action="store_true", help="only make the input")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if not DATA.is_dir():
        parser.error(f"the real data are not at {DATA}")
    if options.prepare:
        for case in options.cases:
            print(prepare(case))
        return
    results = [measure(case) for case in options.cases]
    if options.json:
        print(json.dumps(results))
        return
    for result in results:
        print(f"{result['case']}: {result['points']} points, level {result['level']}")
        best = max(result[m]["oa"] for m in ("tempcnn", "random_forest", "lightgbm"))
        for name in METHODS:
            row = result[name]
            low, high = row["oa_ci95"]
            print(
                f"  {name:<14} OA {100 * row['oa']:5.1f} [{100 * low:.1f}, {100 * high:.1f}]"
                f"  macro-F1 {100 * row['macro_f1']:5.1f}"
                f"  ratio to the best other {row['oa'] / best:.3f}"
            )


if __name__ == "__main__":
    main()
