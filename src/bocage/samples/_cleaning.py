"""Cleaning: which labels are removed, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.legend import Legend
from bocage.samples._cleaning_rules import CleaningRules
from bocage.samples._evidence import Evidence
from bocage.samples._table import check_samples

KEEP, UNKNOWN, DROP = 0, 1, 2
"""Verdicts. Neither of the last two trains a model; an *unknown* one is worth a person's look."""

_NAMES = ("keep", "unknown", "drop")


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What becomes of each label.

    Attributes
    ----------
    verdict
        uint8 (sample,): `KEEP`, `UNKNOWN` or `DROP`.
    report
        One row a region and label: ``region``, ``label`` (number), ``n``, ``suspected`` (some
        method contradicts), ``agreed`` (all methods do), ``contradicted`` (plainly), ``unknown``
        and ``dropped`` (what was removed), ``kept_mixed``, ``kept_by_cap``, ``kept_by_floor``
        (what would have been removed otherwise) and ``reason`` (which limit held, if any).
    """

    verdict: NDArray[np.uint8]
    report: pd.DataFrame


def judge(
    evidence: Evidence,
    label: NDArray[np.integer],
    region: NDArray[np.generic],
    mixed: NDArray[np.bool_],
    rules: CleaningRules,
) -> Verdicts:
    """Decide on each label, by region and label.

    A label becomes unknown where confident learning, the neighbours in feature space and the
    members of the ensemble all contradict it, and is dropped where the contradiction is plain.
    Labels of mixed classes become unknown never. Of too many the most contradicted go.

    Parameters
    ----------
    evidence
        From `gather_evidence`.
    label
        (sample,): number of each sample's label.
    region
        (sample,).
    mixed
        (sample,): labels of mixed classes.
    rules
        Thresholds, caps and floors.
    """
    by_neighbours = evidence.near > rules.margin
    by_members = evidence.against >= rules.members
    agreed = evidence.confident & by_neighbours & by_members
    plain = (evidence.overall > rules.strong) & (evidence.against == 1)
    suspected = evidence.confident | by_neighbours | by_members | plain
    wanted = np.where(plain, DROP, np.where(agreed & ~mixed, UNKNOWN, KEEP)).astype(np.uint8)
    verdict = np.full(len(label), KEEP, np.uint8)
    rows = []
    for name, number, places in _groups(region, label):
        asked = places[wanted[places] != KEEP]
        # Plain contradictions first, then by what the neighbours say.
        order = np.lexsort((-evidence.near[asked], -wanted[asked].astype(int)))
        share = rules.heterogeneous_cap if mixed[places].any() else rules.cap
        by_cap = int(np.floor(share * len(places) + 1e-9))
        by_floor = max(len(places) - rules.floor, 0)
        removed = asked[order[: min(by_cap, by_floor)]]
        verdict[removed] = wanted[removed]
        kept = len(asked) - len(removed)
        floor_held = by_floor < by_cap
        spared = int((agreed[places] & ~plain[places] & mixed[places]).sum())
        rows.append(
            {
                "region": name,
                "label": number,
                "n": len(places),
                "suspected": int(suspected[places].sum()),
                "agreed": int(agreed[places].sum()),
                "contradicted": int(plain[places].sum()),
                "unknown": int((verdict[places] == UNKNOWN).sum()),
                "dropped": int((verdict[places] == DROP).sum()),
                "kept_mixed": spared,
                "kept_by_cap": 0 if floor_held else kept,
                "kept_by_floor": kept if floor_held else 0,
                "reason": _reason(kept, floor_held, spared),
            }
        )
    return Verdicts(verdict, pd.DataFrame(rows, columns=_REPORT))


def _groups(
    region: NDArray[np.generic], label: NDArray[np.integer]
) -> Iterator[tuple[object, int, NDArray[np.intp]]]:
    """Samples of each region and label, in their order."""
    for name in np.unique(region):
        here = region == name
        for number in np.unique(label[here]):
            yield name, int(number), np.flatnonzero(here & (label == number))


_REPORT = [
    "region", "label", "n", "suspected", "agreed", "contradicted", "unknown", "dropped",
    "kept_mixed", "kept_by_cap", "kept_by_floor", "reason",
]  # fmt: skip


def _reason(kept: int, floor_held: bool, spared: int) -> str:
    limits = ["floor" if floor_held else "cap"] if kept else []
    return ", ".join(limits + (["mixed class"] if spared else []))


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Samples after the cleaning.

    Attributes
    ----------
    kept
        Samples table.
    removed
        Samples table of the others, with their provenance: ``verdict`` (unknown or drop),
        ``why`` (the methods that contradict), ``likely`` (leaf code of the likeliest class) and
        ``margin`` (how much likelier than the label it is, to the mean of all members).
    report
        See `Verdicts`; ``label`` holds the allowed codes.
    """

    kept: gpd.GeoDataFrame
    removed: gpd.GeoDataFrame
    report: pd.DataFrame


def clean_samples(
    samples: gpd.GeoDataFrame, evidence: Evidence, legend: Legend, rules: CleaningRules
) -> Cleaned:
    """Take doubtful labels out of a table of samples.

    Parameters
    ----------
    samples
        Samples table.
    evidence
        About the rows of `samples`, in their order; classes are the leaves of `legend`.
    legend
        Legend of the labels.
    rules
        How readily labels are removed (`load_cleaning_rules`).

    Raises
    ------
    InputError
        If the evidence is about another number of samples.
    """
    frame = check_samples(samples)
    if len(frame) != len(evidence.near):
        raise InputError(
            f"evidence about {len(evidence.near)} labels and {len(frame)} samples",
            remedy="gather the evidence about these samples, in their order",
        )
    label, names = pd.factorize(frame["allowed"], sort=True)
    sets = [{int(code) for code in str(name).split(";")} for name in names]
    mixed = np.array([bool(s & set(rules.heterogeneous)) for s in sets], bool)[label]
    found = judge(evidence, label, frame["region"].to_numpy(), mixed, rules)
    report = found.report.assign(label=[names[i] for i in found.report["label"]])
    out = found.verdict != KEEP
    codes = np.array(legend.codes())
    removed = frame[out].assign(
        verdict=[_NAMES[v] for v in found.verdict[out]],
        why=_why(evidence, rules)[out],
        likely=codes[evidence.likely[out]].astype(np.int32),
        margin=evidence.overall[out].astype(np.float32),
    )
    return Cleaned(frame[~out].reset_index(drop=True), removed.reset_index(drop=True), report)


def label_matrix(samples: pd.DataFrame, legend: Legend) -> NDArray[np.bool_]:
    """Leaves that the label of each sample allows, bool (sample, leaf)."""
    number, names = pd.factorize(samples["allowed"])
    table = np.zeros((len(names), len(legend.codes())), bool)
    for row, name in enumerate(names):
        table[row, [legend.index(int(code)) - 1 for code in str(name).split(";")]] = True
    return table[number]


def _why(evidence: Evidence, rules: CleaningRules) -> NDArray[np.object_]:
    said = {
        "confident learning": evidence.confident,
        "neighbours": evidence.near > rules.margin,
        "members": evidence.against >= rules.members,
    }
    words = [
        ", ".join(name for name, holds in zip(said, row, strict=True) if holds)
        for row in zip(*said.values(), strict=True)
    ]
    return np.array(words, dtype=object)
