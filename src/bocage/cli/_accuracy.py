"""Commands that measure a map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bocage.cli._output import AsJson, give, say, table
from bocage.legend import load_legend

MapClass = Annotated[str | None, typer.Option("--map-class", help="Attribute of the map.")]
Level = Annotated[int | None, typer.Option(help="Level of the legend, 1 to 4.")]
LegendId = Annotated[str, typer.Option(help="pa or a CSV file.")]
RegionField = Annotated[str | None, typer.Option(help="Attribute with the name of the region.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (accuracy, survey, compare):
        app.command()(command)


def accuracy(
    map_file: Annotated[Path, typer.Option("--map", help="Map: raster or polygons.")],
    reference: Annotated[Path, typer.Option(help="Reference: points, polygons or raster.")],
    map_class: MapClass = None,
    reference_class: Annotated[str | None, typer.Option(help="Attribute of the reference.")] = None,
    strata: Annotated[
        Path | None, typer.Option(help="Raster or polygons the points were stratified by.")
    ] = None,
    level: Level = None,
    legend: LegendId = "pa",
    protocol: Annotated[
        str | None,
        typer.Option(help="Only the points whose attribute 'protocol' says so: blind …"),
    ] = None,
    regions: Annotated[
        list[Path] | None, typer.Option(help="Polygons of regions or sites; may be repeated.")
    ] = None,
    region_field: RegionField = None,
    confidence: Annotated[
        Path | None, typer.Option(help="Raster of the map's confidence, percent.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw the confusion matrix: .png, .svg, .pdf.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Confusion matrix, accuracies and areas with 95 % intervals."""
    from bocage.accuracy import survey_files, write_confusion

    found = survey_files(
        map_file,
        reference,
        map_class=map_class,
        reference_class=reference_class,
        strata=strata,
        level=level,
        legend=load_legend(legend),
        protocol=protocol,
        regions=regions or (),
        region_field=region_field,
        confidence=confidence,
    )
    if figure is not None:
        write_confusion(figure, found.main)
    give(found.to_dict(), as_json=as_json)
    if as_json:
        return
    for each in (found, *(found.others or {}).values()):
        main, name = each.main, each.main.protocol
        low, high = main.oa_ci95
        title = f"overall {100 * main.oa:.1f} % [{100 * low:.1f}, {100 * high:.1f}], n = {main.n}"
        columns = ["code", "name", "ua", "pa", "f1", "n_map", "n_ref", "map_ha", "area_ha"]
        rows = main.per_class[columns].round(3).itertuples(index=False)
        table(columns, rows, f"{name}: {title}" if name else title)
        _in_short("level", {str(k): v.oa for k, v in each.levels.items()})
        for group, places in each.regions.items():
            _in_short(group, {k: v.oa for k, v in places.items()})
        for note in main.notes:
            say(note)


def _in_short(what: str, values: dict[str, float]) -> None:
    typer.echo(f"{what}: " + ", ".join(f"{k} {100 * v:.1f} %" for k, v in values.items()))


def survey(
    map_file: Annotated[Path, typer.Argument(help="Map: raster or polygons.", metavar="MAP")],
    out: Annotated[Path, typer.Option(help="Folder of points.gpkg, strata.tif, strata.csv.")],
    map_class: MapClass = None,
    second: Annotated[
        Path | None, typer.Option(help="Map of another year: change is a stratum.")
    ] = None,
    regions: Annotated[
        Path | None, typer.Option(help="Polygons whose regions are strata too.")
    ] = None,
    region_field: RegionField = None,
    legend: LegendId = "pa",
    level: Level = None,
    n: Annotated[
        int | None, typer.Option("--points", help="Number; else what --error needs.")
    ] = None,
    error: Annotated[float, typer.Option(help="Wanted standard error, 0 … 1.")] = 0.01,
    allocation: Annotated[
        str, typer.Option(help="proportional, equal, optimal or power.")
    ] = "proportional",
    minimum: Annotated[int, typer.Option(help="Points that each stratum gets.")] = 20,
    expected: Annotated[float, typer.Option(help="Expected user's accuracy, 0 … 1.")] = 0.85,
    design: Annotated[str, typer.Option(help="random or systematic.")] = "random",
    step: Annotated[float, typer.Option(help="Spacing of the frame, m; 2000: LUCAS.")] = 2000.0,
    protocol: Annotated[str, typer.Option(help="blind or plausibility.")] = "blind",
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Plan a validation survey: how many points, in which strata, where."""
    from bocage.accuracy import plan_survey

    plan = plan_survey(
        map_file,
        map_class=map_class,
        second=second,
        regions=regions,
        region_field=region_field,
        legend=load_legend(legend),
        level=level,
        n=n,
        standard_error=error,
        allocation=allocation,
        minimum=minimum,
        expected=expected,
        design=design,
        step_m=step,
        protocol=protocol,
        seed=seed,
    )
    files = plan.write(out)
    rows = plan.strata.to_dict(orient="records")
    result = {
        "points": len(plan.points),
        "wanted": plan.wanted,
        "strata": rows,
        "files": {k: str(v) for k, v in files.items()},
    }
    give(result, as_json=as_json)
    if not as_json:
        table(
            list(plan.strata.columns), ([*r.values()] for r in rows), f"{len(plan.points)} points"
        )
        typer.echo(str(files["points.gpkg"]))


def compare(
    a: Annotated[str, typer.Argument(help="Raster or polygons; FILE|layername=NAME.")],
    b: Annotated[str, typer.Argument(help="The map beside it.")],
    legend_a: Annotated[
        str, typer.Option(help="pa, a CSV file, a nomenclature such as clc, or values.")
    ] = "pa",
    legend_b: Annotated[str | None, typer.Option(help="The same of B; by default A's.")] = None,
    crosswalk: Annotated[
        str | None, typer.Option(help="From B's codes to A's legend: id or CSV file.")
    ] = None,
    class_a: Annotated[str | None, typer.Option(help="Attribute of A with the class.")] = None,
    class_b: Annotated[str | None, typer.Option(help="Attribute of B with the class.")] = None,
    level: Level = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Metres within which borders count as one; 10.")
    ] = None,
    resolution: Annotated[
        float | None, typer.Option(help="Pixel to compare at, m; else the finer raster's.")
    ] = None,
    confidence: Annotated[Path | None, typer.Option(help="Raster of A's confidence, %.")] = None,
    unsure: Annotated[float, typer.Option(help="Confidence below which A is unsure, %.")] = 50.0,
    regions: Annotated[Path | None, typer.Option(help="Polygons to report by.")] = None,
    region_field: RegionField = None,
    change: Annotated[
        str | None, typer.Option(help="Where the land changed: raster or polygons.")
    ] = None,
    change_fields: Annotated[
        str | None, typer.Option(help="Its attributes of the class before and after: A,B.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the map, the table, the page.")] = Path(
        "comparison"
    ),
    as_json: AsJson = False,
) -> None:
    """Agreement of two maps after crosswalk, with a difference map and a report."""
    from bocage.accuracy import compare_files

    found = compare_files(
        a,
        b,
        legend_a=legend_a,
        legend_b=legend_b,
        crosswalk=crosswalk,
        class_a=class_a,
        class_b=class_b,
        level=level,
        tolerance_m=tolerance,
        resolution_m=resolution,
        confidence=confidence,
        unsure=unsure,
        regions=regions,
        region_field=region_field,
        change=change,
        change_fields=_two(change_fields),
        out=out,
    )
    files = {k: str(out / k) for k in ("difference.tif", "comparison.json", "index.html")}
    give({**found.to_dict(), "files": files}, as_json=as_json)
    if as_json:
        return
    said = found.summary
    title = f"agreement {100 * said['agreement']:.1f} % of {said['compared_ha']:.1f} ha"
    columns = ["code", "name", "a_ha", "b_ha", "a_in_b", "b_in_a", "f1", "iou"]
    table(columns, found.per_class[columns].round(3).itertuples(index=False), title)
    parts = ("certain", "border", "temporal", "thematic")
    typer.echo(", ".join(f"{k} {100 * said[k]:.1f} %" for k in parts))
    typer.echo(files["index.html"])


def _two(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    before, comma, after = text.partition(",")
    if not (before and comma and after) or "," in after:
        raise typer.BadParameter(f"'{text}' is not two attributes such as code_18,code_24")
    return before, after
