"""How far a project is."""

from __future__ import annotations

from typing import Any

from bocage.workflow._ledger import Ledger
from bocage.workflow._plan import Plan
from bocage.workflow._run import ROOMS
from bocage.workflow.rooms.assessment import CHECKED


def status(plan: Plan) -> dict[str, Any]:
    """What is done, failed and missing, per room.

    Returns
    -------
    dict
        ``rooms``: a list of dicts with room, expected, done, failed, missing, seconds,
        peak_rss_mb; ``failures``: a list of dicts with room, piece and message.
    """
    path = plan.file("ledger.sqlite")
    records = {(r.room, r.piece): r for r in Ledger(path).records()} if path.exists() else {}
    rows, failures = [], []
    for room, pieces in _expected(plan).items():
        mine = [records[room, piece] for piece in pieces if (room, piece) in records]
        done = [r for r in mine if r.state == "done"]
        failures += [
            {"room": room, "piece": r.piece, "message": r.message} for r in mine if r not in done
        ]
        rows.append(
            {
                "room": room,
                "expected": len(pieces),
                "done": len(done),
                "failed": len(mine) - len(done),
                "missing": len(pieces) - len(mine),
                "seconds": round(sum(r.seconds for r in done), 2),
                "peak_rss_mb": round(max((r.peak_rss_mb for r in done), default=0.0)),
            }
        )
    return {"name": plan.project.name, "rooms": rows, "failures": failures}


def _expected(plan: Plan) -> dict[str, list[str]]:
    """Names of the pieces of each room, in order."""
    blocks, areas = [b.id for b in plan.blocks], list(plan.areas["cluster"])
    of_years = [f"{year}/{block}" for year in plan.project.years for block in blocks]
    delivery = plan.delivery
    checked = [delivery.folder(k, y) for k, y in delivery.products() if k in CHECKED]
    found = {
        "imagery": of_years,
        "samples": blocks,
        "superres": of_years,
        "model": ["train"],
        "posterior": of_years,
        "change": blocks,
        "refine": areas,
        "generalize": areas,
        "products": ["deliver"],
        "check": checked,
        "accuracy": [str(year) for year in plan.references],
        "report": ["report"],
    }
    return {room: found[room] for room in ROOMS}
