"""The command line: words in, rooms called, words out."""

from bocage.cli._app import app, main

__all__ = ["app", "main"]
