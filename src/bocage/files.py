"""Files that appear whole or not at all, and their digests."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bocage.errors import InputError


@contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `target` that replaces it when the block ends well.

    The temporary file keeps the suffix of the target (drivers look at it), is
    flushed to disk and renamed over the target in one step. When the block
    raises, nothing is left behind.

    Parameters
    ----------
    target
        The file to write. Missing parent folders are made.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    part = folder / target.name
    try:
        yield part
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        part.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(target: Path | str, text: str) -> Path:
    """Write UTF-8 text atomically and return the path."""
    target = Path(target)
    with atomic_path(target) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return target


def sha256(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def existing(path: Path | str, what: str) -> Path:
    """Return `path` as a `Path`, or raise when there is no such file or folder.

    Parameters
    ----------
    path
        The file or folder that must exist.
    what
        What it is for the reader of the message, such as "samples.sources[0].layer".

    Raises
    ------
    InputError
        If nothing is there, or something that is read without end such as a pipe.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            f"{what}: no such file: {path}",
            remedy="correct the path; relative paths in a project file are relative to that file",
        )
    if not (path.is_file() or path.is_dir()):
        raise InputError(
            f"{what}: neither a file nor a folder: {path}",
            remedy="write what comes through it to a file first",
        )
    return path
