"""The model card: what a trained classifier was made of, what is known of it, and its limits.

After Mitchell et al. (2019), Model cards for model reporting, FAT*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bocage.model._facts import Facts

_ENGINES = {
    "field": "A perceptron on the year of a pixel and of its surroundings, taught by a committee.",
    "pixel": "A TempCNN on the year of single pixels.",
    "trees": "Extremely randomised trees on the year of single pixels.",
}


def card(facts: Facts) -> str:
    """Markdown text."""
    metrics = facts.metrics
    layers = ", ".join(facts.layers) or "nothing"
    lines = [
        f"# Classifier `{facts.engine}`, legend `{facts.legend_id}`",
        "",
        _ENGINES[facts.engine],
        "",
        f"- Bands (native resolution, m): {_pairs(facts.bands, facts.resolutions)}",
        f"- Months: {', '.join(map(str, facts.months))}; told beside the series: {layers}",
        f"- Labels: {_labels(metrics)}",
        f"- Calibration: {_calibration(facts)}",
        "",
        "## Limits",
        "",
        f"- Never mapped, for want of a label: {', '.join(map(str, facts.absent)) or 'nothing'}.",
        "- Scores are about labels of the reference layers, with their errors, not about the truth "
        "on the ground.",
        "- It knows the places and years that its labels come from; elsewhere its confidence "
        "is not to be trusted.",
        *(f"- {note[0].upper()}{note[1:]}." for note in metrics.get("notes", ())),
        "",
        "## Labels by class",
        "",
        "| code | labels that name it alone |",
        "| --- | --- |",
        *(f"| {code} | {n} |" for code, n in metrics.get("labels_by_class", {}).items()),
    ]
    return "\n".join(lines) + "\n"


def _pairs(bands: tuple[str, ...], resolutions: tuple[int, ...]) -> str:
    return ", ".join(f"{b} ({r})" for b, r in zip(bands, resolutions, strict=True))


def _labels(metrics: Mapping[str, Any]) -> str:
    counts = metrics.get("labels", {})
    text = f"{counts.get('all', 'unknown')}"
    unlabelled = metrics.get("unlabelled")
    return text + (f", and {unlabelled} pixels without" if unlabelled else "")


def _calibration(facts: Facts) -> str:
    found = facts.metrics.get("calibration")
    if not found:
        return "none, too few places"
    return (
        f"temperature {facts.temperature:.3f}; on {found['labels']} held-out labels overall "
        f"accuracy {100 * found['oa']:.1f} %, macro-F1 {100 * found['macro_f1']:.1f} %, expected "
        f"calibration error {100 * found['ece']:.1f} %"
    )
