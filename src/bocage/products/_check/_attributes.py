"""Steps on names, types and values."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.products._check._definition import ProductDefinition
from bocage.products._check._finding import Finding, Step, features, step
from bocage.products._check._read import Layer, LayerInfo


def attribute(info: LayerInfo, definition: ProductDefinition) -> Step:
    """Exactly the attributes of the product, with their types."""
    expected = {f.name.lower(): f.type for f in definition.fields}
    missing = [n for n in expected if n not in info.types]
    wrong = [n for n, t in expected.items() if n in info.types and info.types[n] != t]
    extra = sorted(set(info.types) - set(expected) - {n.lower() for n in definition.ignored})
    findings = []
    if info.repeated:
        names = ", ".join(info.repeated)
        findings.append(
            Finding(f"attributes that differ in case only: {names}", len(info.repeated))
        )
    if missing:
        findings.append(Finding(f"missing attributes: {', '.join(missing)}", len(missing)))
    if wrong:
        texts = [f"{n} is {info.types[n]}, not {expected[n]}" for n in wrong]
        findings.append(Finding(f"wrong types: {', '.join(texts)}", len(wrong)))
    if extra:
        findings.append(Finding(f"excessive attributes: {', '.join(extra)}", len(extra)))
    return step("attribute", findings, "aborted" if info.repeated or missing or wrong else "failed")


def epsg(info: LayerInfo, definition: ProductDefinition) -> Step:
    """The CRS names its authority and is the right one."""
    wanted = f"EPSG:{definition.epsg}"
    if info.authority == wanted:
        return step("epsg", [])
    found = info.authority or "a CRS without an authority code"
    return step("epsg", [Finding(f"found {found}, expected {wanted}")], "aborted")


def unique(layer: Layer, definition: ProductDefinition) -> Step:
    """No identifier occurs twice (missing ones are for a strict step)."""
    findings: list[Finding] = []
    for name in definition.named("uid"):
        ids = layer.texts(name)
        known = np.flatnonzero([i is not None for i in ids])
        twice = known[pd.Series(ids[known], dtype=object).duplicated(keep=False).to_numpy()]
        findings += features(f"{name} is not unique", twice, layer.uids, layer.shapes)
    return step("unique", findings)


def enum(layer: Layer, definition: ProductDefinition) -> Step:
    """Every code is in the legend or 0, nodata is 0 or 1; nothing is null."""
    findings: list[Finding] = []
    for field in definition.fields:
        if field.role == "code":
            allowed = sorted({0, *(c[field.level - 1] for c in definition.chains)})
        elif field.role == "nodata":
            allowed = [0, 1]
        else:
            continue
        name = field.name.lower()
        bad = np.flatnonzero(~np.isin(layer.numbers(name), allowed))
        values = sorted({str(v)[:20] for v in layer.table[name].iloc[bad].head(100)})[:5]
        message = f"{name} has values that are not in the list ({', '.join(values)})"
        findings += features(message, bad, layer.uids, layer.shapes)
    return step("enum", findings)


def nodata(layer: Layer, definition: ProductDefinition) -> Step:
    """Where nodata is 1 all codes of the year are 0."""
    findings: list[Finding] = []
    for position in range(definition.years):
        for flag in definition.named("nodata", position):
            empty = layer.numbers(flag) == 1
            codes = [layer.numbers(n) for n in definition.named("code", position)]
            bad = np.flatnonzero(empty & _any([c != 0 for c in codes]))
            message = f"{flag} is 1 although a code is not 0"
            findings += features(message, bad, layer.uids, layer.shapes)
    return step("nodata", findings)


def change(layer: Layer, definition: ProductDefinition) -> Step:
    """The finest codes of the two years differ."""
    first, second = (layer.numbers(n) for n in definition.leaves)
    same = np.flatnonzero(first == second)
    return step("change", features("nothing changed", same, layer.uids, layer.shapes))


def accepted_comment(layer: Layer, definition: ProductDefinition) -> NDArray[np.bool_]:
    """Whether a part of the comment, split at ";", is literally one of the accepted texts."""
    accepted = set(definition.comments)
    found = np.zeros(len(layer), dtype=bool)
    for name in definition.named("comment"):
        texts = layer.texts(name)
        found |= np.array(
            [t is not None and not accepted.isdisjoint(str(t).split(";")) for t in texts],
            dtype=bool,
        )
    return found


def strict_identifiers(layer: Layer, definition: ProductDefinition) -> Step:
    """No identifier is missing or empty (the official step lets them pass)."""
    findings: list[Finding] = []
    for name in (*definition.named("uid"), *definition.named("unit")):
        bad = np.flatnonzero([t is None or str(t).strip() == "" for t in layer.texts(name)])
        findings += features(f"{name} is missing", bad, layer.uids, layer.shapes)
    return step("strict:identifiers", findings)


def strict_codes(layer: Layer, definition: ProductDefinition) -> Step:
    """The codes of the levels belong together."""
    findings: list[Finding] = []
    for position in range(definition.years):
        fields = [f for f in definition.fields if f.role == "code" and f.position == position]
        names = [f.name.lower() for f in fields]
        allowed = {tuple(c[f.level - 1] for f in fields) for c in definition.chains}
        allowed.add((0,) * len(fields))
        rows = np.nan_to_num(np.stack([layer.numbers(n) for n in names], axis=1), nan=-1)
        kinds, inverse = np.unique(rows, axis=0, return_inverse=True)
        wrong = np.array([tuple(int(v) for v in k) not in allowed for k in kinds], dtype=bool)
        bad = np.flatnonzero(wrong[inverse.ravel()]) if len(kinds) else np.array([], dtype=int)
        message = f"{names[0]} … {names[-1]} are not one class at all levels"
        findings += features(message, bad, layer.uids, layer.shapes)
    return step("strict:codes", findings)


def strict_nodata(layer: Layer, definition: ProductDefinition) -> Step:
    """Codes are 0 only where nodata is 1, and the other way round."""
    findings: list[Finding] = []
    for position in range(definition.years):
        for flag in definition.named("nodata", position):
            codes = [layer.numbers(n) for n in definition.named("code", position)]
            empty = layer.numbers(flag) == 1
            bad = np.flatnonzero(_any([c == 0 for c in codes]) & ~empty)
            findings += features(
                f"a code is 0 although {flag} is not 1", bad, layer.uids, layer.shapes
            )
            if definition.kind == "change":
                bad = np.flatnonzero(_any([c != 0 for c in codes]) & empty)
                message = f"{flag} is 1 although a code is not 0"
                findings += features(message, bad, layer.uids, layer.shapes)
    return step("strict:nodata", findings)


def strict_changecode(layer: Layer, definition: ProductDefinition) -> Step:
    """The change code is the two finest codes joined by an underscore."""
    findings: list[Finding] = []
    first, second = (layer.numbers(n) for n in definition.leaves)
    for name in definition.named("changecode"):
        texts = layer.texts(name)
        wanted = [f"{a:.0f}_{b:.0f}" for a, b in zip(first, second, strict=True)]
        bad = np.flatnonzero([t != w for t, w in zip(texts, wanted, strict=True)])
        findings += features(f"{name} does not match the codes", bad, layer.uids, layer.shapes)
    return step("strict:changecode", findings)


def _any(masks: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    return np.asarray(np.logical_or.reduce(masks), dtype=bool)
