"""Which places a person should look at next: where the map is in doubt and like much else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from bocage.errors import ConfigError
from bocage.grid import CRS, FINE, Block
from bocage.legend import UNCLASSIFIED, Legend
from bocage.model import load_pixels
from bocage.posterior import Posterior
from bocage.samples import (
    add_questions,
    answered,
    pick_batch,
    reduce_features,
    share_out,
)
from bocage.workflow._plan import Plan
from bocage.workflow.rooms.model import posterior_file
from bocage.workflow.rooms.samples import pixel_file

DISTANCE_M = 30.0
"""Least distance between places that are asked about."""

MOST = 10_000
"""Candidates that are looked at."""

_CUBE = 5  # pixels of 2.5 m that are asked about as one, along a side
_COMPONENTS = 20  # principal components of the year in which places are like each other


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places that a person could be asked about.

    Attributes
    ----------
    places
        One row a place: ``x``, ``y`` (centre of a 2.5 m pixel, metres, EPSG:3035), ``region``,
        ``guess`` (leaf code that the map gives, 0 where it gives none or a border is near),
        ``chance`` (its probability) and ``doubt`` (what more labels could take away,
        `Posterior.epistemic`, or where the engine cannot tell, 1 less the lead of the likeliest
        class).
    year
        float32 (place, feature): reflectance over the year.
    why
        What ``doubt`` is: epistemic or margin.
    """

    places: pd.DataFrame
    year: NDArray[np.float32]
    why: str

    @property
    def xy(self) -> NDArray[np.float64]:
        """Coordinates (place, 2)."""
        return self.places[["x", "y"]].to_numpy(np.float64)

    def pick(self, keep: NDArray[np.intp]) -> Candidates:
        """Some of the places."""
        return Candidates(self.places.iloc[keep].reset_index(drop=True), self.year[keep], self.why)


def ask(plan: Plan, *, count: int = 20, year: int | None = None) -> Path:
    """Add questions to the label store of a project.

    They are about random pixels of the sites that have, with those of a like year, most doubt, and
    unlike those that were asked about (`bocage.samples.pick_batch`). The same run and store give
    the same questions.

    Parameters
    ----------
    plan
        A project with ``samples.labels`` that has been run as far as the posterior.
    count
        Number of questions; fewer where no more places are 30 m apart.
    year
        Status year that they are about; the last by default.

    Returns
    -------
    pathlib.Path
        The label store, see `bocage.samples.read_labels`.

    Raises
    ------
    ConfigError
        If the project names no store, has no such year, or has not been run that far.
    """
    name = plan.project.samples.labels
    if name is None:
        raise ConfigError(
            "samples.labels is not set: there is nowhere to write questions",
            remedy="add 'labels: labels.gpkg' to samples",
        )
    if count < 1:
        raise ConfigError(f"{count} questions", remedy="ask for one at least")
    year = plan.project.years[-1] if year is None else year
    if year not in plan.project.years:
        raise ConfigError(f"{year} is no year of the project", remedy=f"{plan.project.years}")
    questions = choose(candidates(plan, year), plan, count, year)
    return add_questions(plan.project.path(name), questions, plan.legend)


def candidates(plan: Plan, year: int) -> Candidates:
    """The pixels without labels that the model has learned from, and what the map says there."""
    parts = [_in_block(plan, year, block) for block in plan.blocks]
    if len({part.why for part in parts}) > 1:
        raise ConfigError("posteriors are of different engines", remedy="run the project again")
    places = pd.concat([part.places for part in parts], ignore_index=True)
    return Candidates(places, np.concatenate([part.year for part in parts]), parts[0].why)


def _in_block(plan: Plan, year: int, block: Block) -> Candidates:
    files = pixel_file(plan, year, block), posterior_file(plan, year, block)
    if missing := [f for f in files if not f.exists()]:
        raise ConfigError(
            f"{missing[0]} is not there yet", remedy="run the project first: bocage run PROJECT"
        )
    pixels = load_pixels(files[0])
    pixels = pixels.pick(~pixels.labelled)
    at = {"x": xr.DataArray(pixels.x, dims="place"), "y": xr.DataArray(pixels.y, dims="place")}
    posterior = Posterior.load(files[1])
    best = posterior.best
    # A place is a cube: at the borders of the map it would hold several classes.
    calm = ndimage.maximum_filter(best.values, _CUBE) == ndimage.minimum_filter(best.values, _CUBE)
    best = best.where(calm, UNCLASSIFIED)
    taught = "epistemic" in posterior.data
    doubt = posterior.epistemic() if taught else 1 - posterior.margin()
    lead = posterior.data["probability"].isel(k=0) / 255
    code, chance, left = (v.sel(at, method="nearest").values for v in (best, lead, doubt))
    places = pd.DataFrame(
        {
            "x": pixels.x,
            "y": pixels.y,
            "region": plan.regions[block.id],
            "guess": plan.legend.code_table()[code],
            "chance": chance.astype(np.float64),
            "doubt": np.nan_to_num(left.astype(np.float64)),
        }
    )
    return Candidates(places, pixels.seasons(), "epistemic" if taught else "margin")


def choose(found: Candidates, plan: Plan, count: int, year: int) -> gpd.GeoDataFrame:
    """The places of the next round, as rows of a label store."""
    number = 0 if plan.labels.empty else int(plan.labels["round"].fillna(0).max())
    rng = np.random.default_rng([plan.project.seed, number])
    asked = np.column_stack([plan.labels.geometry.x, plan.labels.geometry.y])
    found, known = _fewer(found, asked, rng)
    xy = found.xy
    free = found.places["guess"].to_numpy() > 0
    for place in asked:
        free &= np.hypot(*(xy - place).T) >= DISTANCE_M
    if plan.exclude is not None:
        free &= ~shapely.intersects_xy(plan.exclude, *xy.T)
    chosen = found.places.iloc[_most_in_doubt(found, known, free, count)]
    return gpd.GeoDataFrame(
        {
            "round": number + 1,
            "year": year,
            "why": found.why,
            "score": chosen["doubt"].round(4).to_numpy(),
            "guess": chosen["guess"].to_numpy(),
            "chance": chosen["chance"].round(3).to_numpy(),
        },
        geometry=gpd.points_from_xy(chosen["x"], chosen["y"]),
        crs=CRS,
    )


def _fewer(
    found: Candidates, asked: NDArray[np.float64], rng: np.random.Generator
) -> tuple[Candidates, NDArray[np.intp]]:
    """At most so many candidates, and which of them have been asked about."""
    pixel = np.floor(found.xy / FINE).astype(np.int64)
    taken = {tuple(p) for p in np.floor(asked / FINE).astype(np.int64).tolist()}
    known = np.array([tuple(p) in taken for p in pixel.tolist()], dtype=bool)
    others = rng.permutation(np.flatnonzero(~known))[:MOST]
    keep = np.sort(np.concatenate([np.flatnonzero(known), others]))
    return found.pick(keep), np.flatnonzero(known[keep])


def _most_in_doubt(
    found: Candidates, known: NDArray[np.intp], free: NDArray[np.bool_], count: int
) -> NDArray[np.intp]:
    """Positions of the places to ask about, each region in proportion to its candidates."""
    like, _ = reduce_features(found.year, found.year[:0], _COMPONENTS)
    region, doubt = (found.places[name].to_numpy() for name in ("region", "doubt"))
    chosen = []
    for name, share in share_out(count, region[free]).items():
        own = np.flatnonzero(region == name)
        best = pick_batch(
            doubt[own],
            like[own],
            found.xy[own],
            share,
            taken=np.flatnonzero(np.isin(own, known)),
            distance_m=DISTANCE_M,
            free=free[own],
            spread=True,
        )
        chosen.append(own[best])
    return np.concatenate(chosen) if chosen else np.zeros(0, np.intp)


def rounds(labels: gpd.GeoDataFrame, legend: Legend) -> pd.DataFrame:
    """How the rounds of questions went.

    Returns
    -------
    pandas.DataFrame
        One row a round: ``round``, ``asked``, ``answered``, ``right`` (answers that the map had
        guessed) and ``minutes``. When the map is right as often as it is everywhere, more
        questions teach it little.
    """
    said = answered(labels)
    right = [
        int(guess) in legend.leaves(int(code))
        for guess, code in zip(said["guess"].fillna(0), said["code"], strict=True)
    ]
    rows = [
        {
            "round": int(number),
            "asked": int((labels["round"] == number).sum()),
            "answered": int((said["round"] == number).sum()),
            "right": int(np.array(right, bool)[(said["round"] == number).to_numpy(bool)].sum()),
            "minutes": float(said.loc[said["round"] == number, "minutes"].sum()),
        }
        for number in sorted(labels["round"].dropna().unique())
    ]
    return pd.DataFrame(rows, columns=["round", "asked", "answered", "right", "minutes"])
