"""What the commands print: tables for people, one JSON object for programs, bars on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from bocage.workflow import Outcome

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        help="none, local, local:N, or the address of a Dask scheduler; "
        "by default a pool with one process per core."
    ),
]


def say(text: str) -> None:
    """A line on stderr."""
    typer.echo(text, err=True)


def give(result: dict[str, Any], *, as_json: bool, text: str | None = None) -> None:
    """The result on stdout, as JSON or as text."""
    if as_json:
        typer.echo(json.dumps(result, default=str, allow_nan=False))
    elif text:
        typer.echo(text)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """A table on stdout; a dash for what is not a number."""
    made = Table(*head, title=title, title_justify="left")
    for row in rows:
        made.add_row(*("–" if v != v else str(v) for v in row))
    Console(file=sys.stdout).print(made)


class Bars:
    """A progress bar per room on stderr; plain lines where that is no terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bars = Progress(
            TextColumn("{task.description:<11}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: Any = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Leave the bars as they are."""
        self._bars.stop()

    def room(self, name: str, total: int, finished: int) -> None:
        """A room starts."""
        self._task = self._bars.add_task(name, total=total, completed=finished)
        if not self._console.is_terminal:
            self._console.print(f"{name}: {total - finished} of {total} to do")

    def piece(self, outcome: Outcome) -> None:
        """A piece ended."""
        self._bars.advance(self._task)
        if outcome.error is not None:
            self._console.print(f"[red]failed[/red] {outcome.piece.room} {outcome.piece.id}")
