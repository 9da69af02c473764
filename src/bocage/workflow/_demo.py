"""The whole chain on a virtual protected area."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

from bocage.files import write_text
from bocage.workflow._make_plan import make_plan
from bocage.workflow._plan import Plan
from bocage.workflow._project import load_project
from bocage.workflow._run import Progress, RunSummary, run

QUICK_EPOCHS = 3
_FURTHER = {
    "schemas": ["n2k2018", "clc"],
    "layers": {"imperviousness": "reference/hrl/IMD_2018_010m.tif"},
    "formats": ["fgb"],
}
"""Deliveries beside the first: in the schema of the predecessor, and as CORINE Land Cover."""


def demo(
    out: Path,
    *,
    region: str = "continental",
    size_km: float = 4.0,
    seed: int = 1,
    quick: bool = False,
    cluster: str | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> tuple[Plan, RunSummary]:
    """Simulate a protected area, map it for two years, check and measure the result.

    Parameters
    ----------
    out
        Folder of everything; when it holds the same virtual area already, only what is
        missing is done.
    region
        Biogeographical region of the virtual area.
    size_km
        Side of the area.
    seed
        Seed of the area.
    quick
        Train for a few epochs only: shows the way, not the quality.
    cluster, progress
        As in `run`.
    say
        Told in words what is going on.
    """
    from bocage.simulate import simulate

    project = out / "project.yaml"
    card = out / "simulation.yaml"
    asked = yaml.safe_dump({"region": region, "size_km": size_km, "seed": seed, "quick": quick})
    if not (card.exists() and card.read_text(encoding="utf-8") == asked):
        simulate(out, region=region, size_km=size_km, seed=seed, progress=say)
        settings = yaml.safe_load(project.read_text(encoding="utf-8"))
        settings["products"] = {**settings["products"], **_FURTHER}
        if quick:
            settings["model"] = {**settings.get("model", {}), "epochs": QUICK_EPOCHS}
        write_text(project, yaml.safe_dump(settings, sort_keys=False))
        write_text(card, asked)
    plan = make_plan(load_project(project))
    return plan, run(plan, cluster=cluster, progress=progress)
