"""The errors of bocage.

Every message says what is wrong, where, and what to do. The command line turns
an error into its exit code; nothing in the package catches one to carry on in silence.
"""

from __future__ import annotations


class BocageError(Exception):
    """Base of all errors that bocage raises on purpose.

    Parameters
    ----------
    message
        What is wrong and where: name the file, the key, the tile.
    remedy
        What the reader can do about it.
    """

    exit_code = 3

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  Remedy: {self.remedy}" if self.remedy else self.message

    def bare(self) -> BocageError:
        """The same error without cause and traceback, which may not survive pickling."""
        return type(self)(self.message, remedy=self.remedy)

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders: keyword arguments must survive pickling.
        return (_rebuild, (type(self), self.message, self.remedy))


class ConfigError(BocageError):
    """The project file, an option or an environment is wrong (exit code 2)."""

    exit_code = 2


class InputError(BocageError):
    """An input file or value is not what it must be (exit code 2)."""

    exit_code = 2


class RunError(BocageError):
    """The run failed part-way; what was finished stays (exit code 3)."""

    exit_code = 3


def _rebuild(kind: type[BocageError], message: str, remedy: str | None) -> BocageError:
    return kind(message, remedy=remedy)
