"""The ledger: which pieces of work are finished, with what input and what result."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bocage.files import sha256

_TABLES = """
create table if not exists pieces (
    room text not null, piece text not null, key text not null, state text not null,
    seconds real not null default 0, peak_rss_mb real not null default 0,
    message text not null default '', facts text not null default '{}',
    primary key (room, piece));
create table if not exists files (
    path text primary key, size integer not null, mtime_ns integer not null,
    sha256 text not null);
"""


@dataclass(frozen=True)
class Record:
    """What the ledger knows about one piece."""

    room: str
    piece: str
    key: str
    state: str
    seconds: float
    peak_rss_mb: float
    message: str
    facts: dict[str, Any]


def key_of(**parts: object) -> str:
    """Digest of everything that a result depends on."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class Ledger:
    """SQLite table of finished and failed pieces; each entry is written in one transaction.

    Parameters
    ----------
    path
        Database file; it is made when it is missing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._root = path.parent
        with self._open() as db:
            db.executescript(_TABLES)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=60)
        try:
            with db:
                yield db
        finally:
            db.close()

    def digest(self, path: Path) -> str:
        """SHA-256 of a file, remembered until its size or time of change differs."""
        stat = path.stat()
        with self._open() as db:
            row = db.execute(
                "select size, mtime_ns, sha256 from files where path = ?", (str(path),)
            )
            known = row.fetchone()
        if known and known[:2] == (stat.st_size, stat.st_mtime_ns):
            return str(known[2])
        digest = sha256(path)
        self._remember(path, digest)
        return digest

    def _remember(self, path: Path, digest: str) -> None:
        stat = path.stat()
        with self._open() as db:
            db.execute(
                "insert or replace into files values (?, ?, ?, ?)",
                (str(path), stat.st_size, stat.st_mtime_ns, digest),
            )

    def find(self, room: str, piece: str) -> Record | None:
        """What is known about a piece."""
        return next(iter(self._select("where room = ? and piece = ?", room, piece)), None)

    def is_done(self, room: str, piece: str, key: str) -> bool:
        """Whether the piece was finished with this key and its files are still what they were."""
        record = self.find(room, piece)
        if record is None or record.state != "done" or record.key != key:
            return False
        outputs: Mapping[str, str] = record.facts.get("outputs", {})
        files = {self._root / path: digest for path, digest in outputs.items()}
        return all(path.exists() and self.digest(path) == digest for path, digest in files.items())

    def done(
        self, room: str, piece: str, key: str, seconds: float, rss: float, facts: dict[str, Any]
    ) -> None:
        """Record a finished piece; ``facts["outputs"]`` maps its files to their digests.

        Files are kept relative to the ledger, so that a project folder may be moved.
        """
        outputs = facts.get("outputs", {})
        for path, digest in outputs.items():
            self._remember(Path(path), digest)
        kept = {os.path.relpath(path, self._root): digest for path, digest in outputs.items()}
        facts = {**facts, "outputs": kept}
        self._write(room, piece, key, "done", seconds, rss, "", facts)

    def failed(self, room: str, piece: str, key: str, message: str) -> None:
        """Record a piece that raised."""
        self._write(room, piece, key, "failed", 0.0, 0.0, message, {})

    def _write(self, *values: Any) -> None:
        with self._open() as db:
            db.execute(
                "insert or replace into pieces values (?, ?, ?, ?, ?, ?, ?, ?)",
                (*values[:-1], json.dumps(values[-1])),
            )

    def records(self, room: str | None = None) -> list[Record]:
        """All entries, or those of one room, in the order of room and piece."""
        return self._select("where room = ?", room) if room else self._select("")

    def _select(self, where: str, *values: str) -> list[Record]:
        columns = "room, piece, key, state, seconds, peak_rss_mb, message, facts"
        query = f"select {columns} from pieces {where} order by room, piece"
        with self._open() as db:
            rows = db.execute(query, values).fetchall()
        return [Record(*(*row[:-1], json.loads(row[-1]))) for row in rows]
