"""The chain: room after room, piece after piece, nothing twice."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bocage import __version__
from bocage.errors import BocageError, ConfigError, InputError, RunError
from bocage.workflow._engine import Engine, Outcome, Piece, SerialEngine, open_engine
from bocage.workflow._ledger import Ledger, key_of
from bocage.workflow._plan import Plan
from bocage.workflow.rooms import (
    assessment,
    decode,
    deliver,
    imagery,
    maps,
    model,
    reporting,
    samples,
)

ROOMS = (
    "imagery",
    "samples",
    "superres",
    "model",
    "posterior",
    "change",
    "refine",
    "generalize",
    "products",
    "check",
    "accuracy",
    "report",
)
"""The rooms of a run, in order."""

# Raised when a room's result changes for the same input, so that finished work is redone.
_VERSIONS = dict.fromkeys(ROOMS, 1)


class Progress(Protocol):
    """Who is told how far a run is."""

    def room(self, name: str, total: int, finished: int) -> None:
        """A room starts: how many pieces it has and how many are finished already."""

    def piece(self, outcome: Outcome) -> None:
        """A piece ended."""


class Silent:
    """Tells nobody."""

    def room(self, name: str, total: int, finished: int) -> None:
        """Ignore it."""

    def piece(self, outcome: Outcome) -> None:
        """Ignore it."""


@dataclass
class RunSummary:
    """What a run did: pieces computed and pieces found finished, per room."""

    computed: dict[str, int] = field(default_factory=dict)
    reused: dict[str, int] = field(default_factory=dict)

    @property
    def recomputed(self) -> int:
        """Number of pieces computed in this run."""
        return sum(self.computed.values())


def run(
    plan: Plan,
    *,
    start: str | None = None,
    until: str | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> RunSummary:
    """Carry out a project; safe to kill and repeat.

    Parameters
    ----------
    plan
        What to do, from `make_plan`.
    start
        Redo this room and all after it, whatever is finished.
    until
        Stop after this room.
    cluster
        None for a pool of processes, or what `--cluster` takes.
    progress
        Who is told how far it is.

    Raises
    ------
    ConfigError, InputError
        If the project or an input is wrong; nothing of the piece concerned was written.
    RunError
        If pieces failed; the same call resumes.
    """
    for name, room in (("--from", start), ("--until", until)):
        if room is not None and room not in ROOMS:
            raise ConfigError(f"{name} {room} is no room", remedy=f"use one of {', '.join(ROOMS)}")
    with _locked(plan.project.work_folder), open_engine(cluster) as engine:
        return _Run(plan, start, until, engine, progress or Silent()).all_rooms()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One run at a time in a work folder; the lock goes with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(
                f"another run is at work in {folder}", remedy="wait until it has ended"
            ) from None
        yield


class _Run:
    def __init__(
        self, plan: Plan, start: str | None, until: str | None, engine: Engine, progress: Progress
    ) -> None:
        self.plan = plan
        self.redo = ROOMS[ROOMS.index(start) :] if start else ()
        self.until = until
        self.engine = engine
        self.progress = progress
        self.ledger = Ledger(plan.file("ledger.sqlite"))
        self.summary = RunSummary()

    def all_rooms(self) -> RunSummary:
        for room, make in self._rooms():
            local = room in ("model", "products", "report")
            self._room(room, make(), SerialEngine() if local else self.engine)
            if room == self.until:
                break
        return self.summary

    def _rooms(self) -> Iterator[tuple[str, Callable[[], list[Piece]]]]:
        plan = self.plan
        yield "imagery", lambda: imagery.pieces(plan, imagery.find_images(plan))
        yield "samples", lambda: samples.pieces(plan)
        yield "superres", lambda: samples.pixel_pieces(plan)
        yield "model", lambda: [model.train_piece(plan)]
        yield "posterior", lambda: model.posterior_pieces(plan)
        yield "change", lambda: decode.change_pieces(plan)
        yield "refine", lambda: decode.refine_pieces(plan)
        yield "generalize", lambda: maps.generalize_pieces(plan)
        yield "products", lambda: deliver.products_pieces(plan)
        yield "check", lambda: assessment.check_pieces(plan)
        yield "accuracy", lambda: assessment.accuracy_pieces(plan)
        yield "report", lambda: [reporting.piece(plan, self.ledger)]

    def _room(self, room: str, pieces: Sequence[Piece], engine: Engine) -> None:
        keys = {piece.id: self._key(piece) for piece in pieces}
        todo = [
            p
            for p in pieces
            if room in self.redo or not self.ledger.is_done(room, p.id, keys[p.id])
        ]
        self.summary.computed[room] = len(todo)
        self.summary.reused[room] = len(pieces) - len(todo)
        self.progress.room(room, len(pieces), len(pieces) - len(todo))
        failures: list[Outcome] = []
        for outcome in engine.run(todo):
            self._record(outcome, keys[outcome.piece.id])
            if outcome.error is not None:
                failures.append(outcome)
        if failures:
            raise _failure(room, failures)
        self._after(room)

    def _record(self, outcome: Outcome, key: str) -> None:
        piece = outcome.piece
        if outcome.error is None:
            self.ledger.done(
                piece.room, piece.id, key, outcome.seconds, outcome.peak_rss_mb, outcome.facts
            )
        else:
            self.ledger.failed(piece.room, piece.id, key, str(outcome.error))
        self.progress.piece(outcome)

    def _after(self, room: str) -> None:
        """What can be said only when all pieces of a room are there."""
        if room == "imagery":
            imagery.check_months(self.plan, self.ledger)
        if room == "samples":
            samples.gather(self.plan)

    def _key(self, piece: Piece) -> str:
        return key_of(
            version=[__version__, _VERSIONS[piece.room]],
            piece=piece.id,
            settings=piece.settings,
            inputs=[self.ledger.digest(path) for path in piece.inputs],
        )


def _failure(room: str, failures: Sequence[Outcome]) -> BocageError:
    errors = [f.error for f in failures if f.error is not None]
    listed = "\n".join(
        f"{room} {f.piece.id}: {f.error}" for f in sorted(failures, key=lambda f: f.piece.id)[:5]
    )
    more = f"\n… and {len(failures) - 5} more" if len(failures) > 5 else ""
    wrong_input = all(isinstance(e, InputError | ConfigError) for e in errors)
    kind = InputError if wrong_input else RunError
    return kind(f"{len(failures)} piece(s) of room '{room}' failed:\n{listed}{more}")
