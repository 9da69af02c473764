from __future__ import annotations

from pathlib import Path

import xarray as xr

from bocage.model import FieldModel, Pixels
from bocage.model._card import card


def test_a_card_lies_beside_the_model_and_says_what_it_was_made_of(
    model: FieldModel, pixels: Pixels, series: xr.Dataset, tmp_path: Path
) -> None:
    model.save(tmp_path)
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert text == card(model.facts)
    assert f"Labels: {int(pixels.labelled.sum())}, and 2000 pixels without" in text
    assert "Never mapped, for want of a label: 22." in text
    assert "- Months: 3, 5, 7, 9;" in text
    counted = [line for line in text.splitlines() if line.startswith("| 1")]
    total = sum(int(line.split("|")[2]) for line in text.splitlines() if line[:3] in ("| 1", "| 2"))
    assert len(counted) == 2
    assert total == int(pixels.labelled.sum())


def test_a_model_that_was_not_calibrated_says_so(model: FieldModel) -> None:
    from dataclasses import replace

    bare = replace(model.facts, metrics={"notes": ["samples in 1 square only"]})
    assert "Calibration: none" in card(bare)
    assert "- Samples in 1 square only." in card(bare)
