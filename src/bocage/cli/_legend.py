"""Commands on nomenclatures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bocage.cli._output import AsJson, give, table
from bocage.legend import list_crosswalks, list_legends, load_crosswalk, load_legend

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Legends and crosswalks in the package."""
    found = {"legends": list(list_legends()), "crosswalks": list(list_crosswalks())}
    text = "\n".join(f"{kind}: {', '.join(names)}" for kind, names in found.items())
    give(found, as_json=as_json, text=text)


@app.command()
def show(
    legend: Annotated[str, typer.Argument(help="Id or CSV file.", metavar="ID")],
    as_json: AsJson = False,
) -> None:
    """The classes of a legend."""
    loaded = load_legend(legend)
    classes = [
        {"index": i, "codes": c.codes, "name": c.name, "color": c.color}
        for i, c in enumerate(loaded.classes, start=1)
    ]
    give({"id": loaded.id, "levels": loaded.levels, "classes": classes}, as_json=as_json)
    if not as_json:
        head = ("index", *(f"level {n}" for n in range(1, loaded.levels + 1)), "name", "color")
        table(head, ((i, *c.codes, c.name, c.color) for i, c in enumerate(loaded.classes, start=1)))


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(help="CSV file.")], as_json: AsJson = False
) -> None:
    """Check a legend file."""
    legend = load_legend(str(file))
    text = f"{file}: {len(legend)} classes, {legend.levels} levels, no fault"
    give(
        {"classes": len(legend), "levels": legend.levels, "faults": []}, as_json=as_json, text=text
    )


@app.command()
def crosswalk(
    a: Annotated[
        str, typer.Argument(help="The other nomenclature, such as clcplus, or a CSV file.")
    ],
    b: Annotated[str, typer.Argument(help="The legend it leads to.")] = "pa",
    as_json: AsJson = False,
) -> None:
    """Which classes of legend B stand behind each class of A."""
    if a not in list_crosswalks() and b in list_crosswalks():  # both orders are understood
        a, b = b, a
    legend = load_legend(b)
    pairs = load_crosswalk(a, legend)
    rows = [
        {
            "source": source,
            "name": pairs.names.get(source, ""),
            "codes": codes,
            "relation": pairs.relation(source),
        }
        for source, codes in pairs.allowed.items()
    ]
    give({"crosswalk": pairs.id, "legend": legend.id, "pairs": rows}, as_json=as_json)
    if not as_json:
        head = ("source", "name", "codes", "relation")
        table(
            head,
            ((r["source"], r["name"], " ".join(map(str, r["codes"])), r["relation"]) for r in rows),
        )
