"""The command and its exit codes."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence

import typer

from bocage import __version__
from bocage.cli import _accuracy, _chain, _legend, _tools
from bocage.errors import BocageError

app = typer.Typer(
    name="bocage",
    help="Land cover and land use maps of protected areas, from Sentinel-2 to a checked delivery.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
_chain.register(app)
_tools.register(app)
_accuracy.register(app)
app.add_typer(_legend.app, name="legend", help="Nomenclatures and crosswalks.")

INTERRUPTED = 130
FAILED = 3


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        typer.echo(f"bocage {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 done; 1 a check ran and found faults; 2 wrong usage, configuration or input; 3 the
    run failed part-way; 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    code: int
    try:
        app(words)
        code = 0
    except SystemExit as left:  # what typer says after help, wrong usage or an interruption
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
        if code == INTERRUPTED:
            _complain("interrupted; the same command resumes", code, as_json="--json" in words)
    except BocageError as error:
        code = error.exit_code
        _complain(str(error), code, as_json="--json" in words)
    except Exception as error:
        logging.getLogger("bocage").exception("a fault in bocage; please report it with this text")
        code = FAILED
        _complain(f"{type(error).__name__}: {error}", code, as_json="--json" in words)
    sys.exit(code)


def _complain(message: str, code: int, *, as_json: bool) -> None:
    typer.echo(f"bocage: {message}", err=True)
    if as_json:
        typer.echo(json.dumps({"error": message, "exit_code": code}))
