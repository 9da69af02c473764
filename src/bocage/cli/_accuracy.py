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
    for command in (accuracy, survey):
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
