"""How far a project is."""

from __future__ import annotations

from typing import Any

from bocage.workflow._ledger import Ledger
from bocage.workflow._plan import Plan
from bocage.workflow._run import ROOMS


def status(plan: Plan) -> dict[str, Any]:
    """What is done, failed and missing, per room.

    Returns
    -------
    dict
        ``rooms``: a list of dicts with room, expected, done, failed, missing, seconds,
        peak_rss_mb; ``failures``: a list of dicts with room, piece and message.
    """
    path = plan.file("ledger.sqlite")
    records = Ledger(path).records() if path.exists() else []
    expected = _expected(plan)
    rows = []
    for room in ROOMS:
        mine = [r for r in records if r.room == room]
        done = sum(r.state == "done" for r in mine)
        failed = sum(r.state == "failed" for r in mine)
        rows.append(
            {
                "room": room,
                "expected": expected[room],
                "done": done,
                "failed": failed,
                "missing": max(0, expected[room] - done - failed),
                "seconds": round(sum(r.seconds for r in mine), 2),
                "peak_rss_mb": round(max((r.peak_rss_mb for r in mine), default=0.0)),
            }
        )
    failures = [
        {"room": r.room, "piece": r.piece, "message": r.message}
        for r in records
        if r.state == "failed"
    ]
    return {"name": plan.project.name, "rooms": rows, "failures": failures}


def _expected(plan: Plan) -> dict[str, int]:
    years, blocks, areas = len(plan.project.years), len(plan.blocks), len(plan.areas)
    layers = years + (years == 2)
    return {
        "imagery": years * blocks,
        "samples": blocks,
        "superres": years * blocks,
        "model": 1,
        "posterior": years * blocks,
        "change": blocks,
        "refine": areas,
        "generalize": areas,
        "products": 1,
        "check": layers + years,
        "accuracy": len(plan.project.accuracy.reference),
        "report": 1,
    }
