"""The raster stage: from noisy classes to regions that keep to the mapping unit and width."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bocage.generalize._affinity import similarity_table
from bocage.generalize._evidence import candidates, region_mass
from bocage.generalize._frame import Frame
from bocage.generalize._graph import Bools, Codes, Labels, label_regions, pair_codes, region_graph
from bocage.generalize._lines import draw_linear
from bocage.generalize._merge import enforce
from bocage.generalize._repair import repair
from bocage.generalize._rules import HECTARE, View, views_of
from bocage.generalize._settings import GeneralizeSettings
from bocage.generalize._vote import likeliest, majority
from bocage.generalize._widths import OUT, Keys, Spans, disc, grow_into, narrow_pixels
from bocage.legend import Legend

LINEAR = "linear"  # the flag of the legend

_log = logging.getLogger(__name__)

SPECK = 64
"""Regions below this number of pixels merge before narrow parts are looked for."""

LINE_REACH = 12
"""Pixels over which the frayed pixels of linear classes are given away."""

RIM_PIXELS = 3
"""A region that meets the rim with fewer pixels may not touch it as a polygon."""

_VOTE = 0.75  # reach of the majority vote, in least widths
_WEIGHED_VOTE = 1.5  # the same where probabilities are known, which bear a larger window
_REACH = 6  # pixels that a narrow part is given away over


@dataclass(frozen=True)
class Regions:
    """The outcome of the raster stage.

    Attributes
    ----------
    labels
        Region of each pixel, shape (y, x), -1 outside.
    codes
        Class index of each region in each year, shape (n, years).
    drawn
        Pixels of lines that this stage drew (broader than they need be), shape (y, x).
    line
        Whether a region is a drawn linear element, shape (n,).
    """

    labels: Labels
    codes: Codes
    drawn: Bools
    line: Bools


def make_regions(frame: Frame, legend: Legend, settings: GeneralizeSettings) -> Regions:
    """Merge, widen and repair the classes of a frame."""
    table = similarity_table(legend)
    views = views_of(len(frame.classes), legend, settings, margin=settings.margin)
    spans = disc(settings.mmw_m / frame.pixel) if settings.mmw_m else None
    order = _linear_order(legend)
    classes, drawn, line = frame.classes, np.zeros_like(frame.locked), frame.locked
    if spans is not None and order:
        if not line.any():
            # Where lines are drawn already, what the raster has besides is not one.
            least = _least_line(settings) * HECTARE / frame.pixel**2
            classes, drawn = draw_linear(classes, line, order, spans, least)
            line = drawn
        linear = np.zeros(256, bool)
        linear[list(order)] = True
        loose = linear[classes].any(axis=0) & ~line
        classes = _spread(classes, frame.domain, spans, loose, ~loose & ~line, LINE_REACH)
    if spans is not None:
        classes = _smoothed(frame, classes, line, settings.mmw_m / frame.pixel)
        specks = _with_unit(views, min(SPECK * frame.pixel**2, views[0].area))
        classes = _merge(frame, classes, line, specks, table, len(legend))
        every = frame.domain & ~line
        classes = _spread(classes, frame.domain, spans, every, every, _REACH)
    classes = _merge(frame, classes, line, views, table, len(legend))
    return repair_regions(frame, classes, drawn, legend, settings)


def repair_regions(
    frame: Frame,
    classes: Codes,
    drawn: Bools,
    legend: Legend,
    settings: GeneralizeSettings,
    starts: Labels | None = None,
) -> Regions:
    """Repair classes where they break the rules, and label them.

    Parameters
    ----------
    frame
        Where the classes come from.
    classes
        Class index, shape (years, y, x).
    drawn
        Pixels of lines that the raster stage drew, shape (y, x).
    legend, settings
        What the rules are.
    starts
        Positions of the pixels whose polygons are to be looked at; all when None.
    """
    line = frame.locked | drawn
    if settings.mmw_m or line.any():
        classes, left = repair(
            classes,
            frame.domain,
            frame.inside,
            line,
            frame.locked,
            views_of(len(classes), legend, settings, margin=settings.margin),
            similarity_table(legend),
            pixel=frame.pixel,
            spans=disc(settings.mmw_m / frame.pixel) if settings.mmw_m else None,
            rim_contact=RIM_PIXELS,
            starts=starts,
        )
        if left:
            _log.info("%d faults are left to the polygons", left)
    labels = label_regions(classes, frame.domain)
    graph = region_graph(labels, classes, frame.inside, line, frame.pixel)
    return Regions(labels, graph.codes, drawn, graph.line)


def _linear_order(legend: Legend) -> tuple[int, ...]:
    """Linear classes as they lie over each other: water, roads, railways."""
    rank = {legend.roles.get("road"): 1, legend.roles.get("rail"): 2}
    codes = sorted(legend.flagged(LINEAR), key=lambda code: (rank.get(code, 0), code))
    return tuple(legend.index(code) for code in codes)


def _least_line(settings: GeneralizeSettings) -> float:
    """Hectares that a piece of a line must have."""
    own = [rule.min_ha for rule in settings.rules.exceptions if rule.flag == LINEAR]
    return min([settings.mmu_ha, *own])


def _with_unit(views: tuple[View, ...], area: float) -> tuple[View, ...]:
    return tuple(replace(view, area=area, exemptions=()) for view in views)


def _merge(
    frame: Frame,
    classes: Codes,
    line: Bools,
    views: tuple[View, ...],
    table: NDArray[np.float64],
    count: int,
) -> Codes:
    """Merge the regions that are too small; drawn lines stay, whatever their size.

    `count` is the number of classes.
    """
    labels = label_regions(classes, frame.domain)
    graph = region_graph(labels, classes, frame.inside, line, frame.pixel)
    graph = replace(graph, area=np.where(graph.line, np.inf, graph.area))
    mass = None
    if frame.evidence is not None:
        index, weight = frame.evidence.index, frame.evidence.weight
        mass = region_mass(labels, index, weight, len(graph), count)
    contact = RIM_PIXELS * frame.pixel
    merged = enforce(graph, views, table, rim_contact=contact, mass=mass)
    codes = merged.codes[merged.group]
    return np.where(labels >= 0, codes.T[:, labels], classes).astype(np.uint8)


def _smoothed(frame: Frame, classes: Codes, line: Bools, width: float) -> Codes:
    """Let what lies around it decide on each pixel that is no drawn line."""
    voters = frame.domain & ~line
    if frame.evidence is None:
        keys = np.where(frame.domain, pair_codes(classes), OUT).astype(np.uint16)
        return classes_of(majority(keys, voters, round(_VOTE * width)), classes, frame.domain)
    keys, weights = candidates(classes, frame.evidence)
    found = likeliest(keys, weights, voters, round(_WEIGHED_VOTE * width))
    return classes_of(found, classes, frame.domain)


def classes_of(keys: Keys, classes: Codes, domain: Bools) -> Codes:
    """The classes of pixel keys; what is outside the domain keeps its own."""
    codes = np.stack([keys >> 8, keys & 255]) if len(classes) == 2 else keys[None]
    return np.where(domain, codes, classes).astype(np.uint8)


def _spread(
    classes: Codes, domain: Bools, spans: Spans, among: Bools, source: Bools, rings: int
) -> Codes:
    """Give what is narrow among some pixels to what is wide among others."""
    keys = np.where(domain, pair_codes(classes), OUT).astype(np.uint16)
    narrow = narrow_pixels(keys, spans) & among
    if not narrow.any():
        return classes
    grow_into(keys, narrow, source & domain & ~narrow, rings)
    return classes_of(keys, classes, domain)
