"""Commands that carry out or look at a whole project."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bocage.cli._output import AsJson, Bars, Cluster, give, say, table
from bocage.errors import ConfigError

if TYPE_CHECKING:
    # The chain needs every room: loading it takes longer than most single commands do.
    from bocage.workflow import Plan, RunSummary

ProjectFile = Annotated[Path, typer.Argument(help="The project file.", metavar="PROJECT.yaml")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (demo, init, simulate, run, ask, report, publish):
        app.command()(command)
    app.command("status")(show_status)


def demo(
    out: Annotated[Path, typer.Option(help="Folder of everything that is made.")] = Path("demo"),
    region: Annotated[str, typer.Option(help="Biogeographical region.")] = "continental",
    size: Annotated[float, typer.Option(help="Side of the area, km.")] = 4.0,
    seed: Annotated[int, typer.Option(help="Seed of the area.")] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="Train a few epochs only: the way, not the quality.")
    ] = False,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Map a virtual protected area for 2021 and 2024, check and measure the result."""
    from bocage import workflow

    began = time.perf_counter()
    with Bars(quiet=as_json) as bars:
        plan, done = workflow.demo(
            out,
            region=region,
            size_km=size,
            seed=seed,
            quick=quick,
            cluster=cluster,
            progress=bars,
            say=None if as_json else say,
        )
    _finish(plan, done, time.perf_counter() - began, as_json)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new project.")],
    as_json: AsJson = False,
) -> None:
    """Write a commented project file and the folders it names."""
    from bocage import workflow

    path = workflow.init(folder)
    give({"project": str(path)}, as_json=as_json, text=f"{path}: fill in, then: bocage run {path}")


def simulate(
    out: Annotated[Path, typer.Option(help="Folder of the virtual area.")],
    region: Annotated[str, typer.Option(help="Biogeographical region.")] = "continental",
    size: Annotated[float, typer.Option(help="Side of the area, km.")] = 4.0,
    seed: Annotated[int, typer.Option(help="Seed of the area.")] = 1,
    years: Annotated[str, typer.Option(help="One or two years.")] = "2021,2024",
    as_json: AsJson = False,
) -> None:
    """Make a virtual protected area: images, truth, references with errors, a project file."""
    from bocage.simulate import simulate as make

    path = make(
        out,
        region=region,
        size_km=size,
        seed=seed,
        years=_years(years),
        progress=None if as_json else say,
    )
    give({"project": str(path)}, as_json=as_json, text=f"{path}: ready for bocage run")


def run(
    project: ProjectFile,
    start: Annotated[
        str | None, typer.Option("--from", help="Redo this room and all after it.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Stop after this room.")] = None,
    cluster: Cluster = None,
    years: Annotated[str | None, typer.Option(help="Only these years, such as 2021.")] = None,
    sites: Annotated[str | None, typer.Option(help="Only these site ids, comma-separated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Carry out a project; safe to kill and repeat, finished pieces are not redone."""
    from bocage import workflow

    began = time.perf_counter()
    loaded = workflow.load_project(project)
    if years is not None:
        loaded = loaded.only_years(_years(years))
    plan = workflow.make_plan(loaded, sites=sites.split(",") if sites else None)
    with Bars(quiet=as_json) as bars:
        done = workflow.run(plan, start=start, until=until, cluster=cluster, progress=bars)
    _finish(plan, done, time.perf_counter() - began, as_json)


def ask(
    project: ProjectFile,
    count: Annotated[int, typer.Option(help="Number of places.")] = 20,
    year: Annotated[
        int | None, typer.Option(help="Status year they are about; the last by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for the class of places where a finished map is in doubt.

    Points without a class are added to the file of samples.labels. Fill in their 'code', in QGIS
    for instance, and run the project again: it learns from the answers.
    """
    from bocage import workflow
    from bocage.samples import read_labels

    loaded = workflow.load_project(project)
    plan = workflow.make_plan(loaded)
    path = workflow.ask(plan, count=count, year=year)
    found = workflow.rounds(read_labels(path, plan.legend), plan.legend)
    give({"labels": str(path), "rounds": found.to_dict("records")}, as_json=as_json)
    if not as_json:
        table(list(found.columns), found.itertuples(index=False), str(path))
        say(
            f"{found['asked'].iloc[-1]} places to answer: fill in 'code', then bocage run {project}"
        )


def publish(project: ProjectFile, cluster: Cluster = None, as_json: AsJson = False) -> None:
    """Write the deliveries, their check and the report anew from finished rooms."""
    from bocage import workflow

    began = time.perf_counter()
    plan = workflow.make_plan(workflow.load_project(project))
    with Bars(quiet=as_json) as bars:
        done = workflow.run(plan, start="products", cluster=cluster, progress=bars)
    _finish(plan, done, time.perf_counter() - began, as_json)


def report(project: ProjectFile, as_json: AsJson = False) -> None:
    """Write the HTML report of a finished project anew."""
    from bocage import workflow

    plan = workflow.make_plan(workflow.load_project(project))
    with Bars(quiet=as_json) as bars:
        workflow.run(plan, start="report", cluster="none", progress=bars)
    path = plan.report / "index.html"
    give({"report": str(path)}, as_json=as_json, text=str(path))


def show_status(project: ProjectFile, as_json: AsJson = False) -> None:
    """What is done, failed and missing, per room."""
    from bocage import workflow

    found = workflow.status(workflow.make_plan(workflow.load_project(project)))
    give(found, as_json=as_json)
    if not as_json:
        head = ("room", "expected", "done", "failed", "missing", "seconds", "peak_rss_mb")
        table(head, ([row[h] for h in head] for row in found["rooms"]), found["name"])
        for failure in found["failures"]:
            say(f"{failure['room']} {failure['piece']}: {failure['message']}")


def _years(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(y) for y in text.split(","))
    except ValueError:
        raise ConfigError(
            f"--years {text}: no years", remedy="give them as 2021 or 2021,2024"
        ) from None


def _finish(plan: Plan, done: RunSummary, seconds: float, as_json: bool) -> None:
    from bocage import workflow

    # A run that ends at an earlier room says nothing of what another has left there.
    reached = done.computed
    checks = workflow.check_results(plan) if "check" in reached else {}
    measured = workflow.accuracy_results(plan) if "accuracy" in reached else {}
    passed = all(c["passed"] for c in checks.values()) if "check" in reached else None
    result = {
        "seconds": round(seconds, 1),
        "computed": done.computed,
        "reused": done.reused,
        "products": _products(plan) if "products" in reached else {},
        "report": str(plan.report / "index.html") if "report" in reached else None,
        "check_passed": passed,
        "accuracy": {
            year: {level: values["oa"] for level, values in found["polygons"].items()}
            for year, found in measured.items()
        },
    }
    give(result, as_json=as_json)
    if not as_json:
        _tell(result, done)
    if passed is False:
        raise typer.Exit(1)


_SHOWN = {".gpkg", ".tif"}


def _products(plan: Plan) -> dict[str, str]:
    return {
        p.parent.relative_to(plan.products).as_posix(): str(p)
        for folder in (plan.products, *(plan.products / f.name for f in plan.further))
        for p in sorted(folder.glob("*_*/*"))
        if p.suffix in _SHOWN
    }


def _tell(result: dict[str, Any], done: RunSummary) -> None:
    say(f"{done.recomputed} pieces computed, {result['seconds']:.0f} s in all")
    for name, path in result["products"].items():
        typer.echo(f"{name:<22}{path}")
    for year, levels in result["accuracy"].items():
        shown = ", ".join(f"level {k}: {100 * v:.1f} %" for k, v in levels.items())
        typer.echo(f"accuracy {year:<13}{shown}")
    if result["check_passed"] is not None:
        typer.echo(f"{'check':<22}{'passed' if result['check_passed'] else 'FAULTS'}")
    if result["report"] is not None:
        typer.echo(f"{'report':<22}{result['report']}")
