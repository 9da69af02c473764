"""The chain of rooms: a project file in, a checked delivery out, resumable piece by piece."""

from bocage.workflow._ask import ask, rounds
from bocage.workflow._demo import demo
from bocage.workflow._engine import Engine, Outcome, Piece, carry_out, open_engine
from bocage.workflow._init import init, project_template
from bocage.workflow._ledger import Ledger, Record
from bocage.workflow._make_plan import make_plan
from bocage.workflow._plan import Plan
from bocage.workflow._project import Project, load_project, project_schema
from bocage.workflow._run import ROOMS, Progress, RunSummary, Silent, run
from bocage.workflow._status import status
from bocage.workflow.rooms.assessment import accuracy_results, check_results

__all__ = [
    "ROOMS",
    "Engine",
    "Ledger",
    "Outcome",
    "Piece",
    "Plan",
    "Progress",
    "Project",
    "Record",
    "RunSummary",
    "Silent",
    "accuracy_results",
    "ask",
    "carry_out",
    "check_results",
    "demo",
    "init",
    "load_project",
    "make_plan",
    "open_engine",
    "project_schema",
    "project_template",
    "rounds",
    "run",
    "status",
]
