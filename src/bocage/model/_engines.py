"""One door to the engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bocage.errors import InputError
from bocage.files import existing
from bocage.legend import Legend
from bocage.model._conformal import COVERAGE, conformal_thresholds, expected_coverage
from bocage.model._facts import Classifier, Facts
from bocage.model._field import FieldModel
from bocage.model._graph_model import GRAPH, WEIGHTS
from bocage.model._pixel import PixelModel
from bocage.model._pixels import Pixels
from bocage.model._settings import ModelSettings
from bocage.model._targets import Held
from bocage.model._torch import require_torch
from bocage.model._trees import TreesModel, train_trees

if TYPE_CHECKING:
    from bocage.model._journal import Progress


def train(
    pixels: Pixels,
    legend: Legend,
    settings: ModelSettings | None = None,
    progress: Progress | None = None,
    *,
    unfinished: Path | str | None = None,
) -> FieldModel | PixelModel | TreesModel:
    """Train a classifier on pixels.

    The field engine is a perceptron on monthly reflectance of a pixel and of two windows around
    it. A committee of such networks with different views learns from the labels; the network
    itself learns what the committee says of all pixels. The loss of a label is −log of the
    probability of all classes that it allows together. The temperature is fitted on squares
    that a trial committee has not seen; the shipped one learns from all labels.

    Parameters
    ----------
    pixels
        Training data of all blocks and years, see `read_pixels` and `concatenate`.
    legend
        Legend of the pixels.
    settings
        Choices; the defaults suit ten to a hundred thousand labels.
    progress
        Called after each epoch with its number, the planned number and its record
        (``who``, ``loss``); from several threads, never two at a time, in any order of networks
        that learn side by side.
    unfinished
        Folder that keeps each network as soon as it is trained. A training of the same pixels
        with the same settings that was cut off goes on from there, to the same end; at the end
        the folder is removed. Trees are grown at once and keep nothing.

    Raises
    ------
    InputError
        If the legend is another one or no label can be learned from.
    ConfigError
        If a network is asked for and torch is not installed.
    """
    settings = settings or ModelSettings()
    if settings.engine == "trees":
        trees, held = train_trees(pixels, legend, settings)
        return replace(trees, facts=_with_sets(trees.facts, held, legend))
    require_torch()
    if settings.engine == "pixel":
        from bocage.model._train_pixel import train_pixel

        pixel, held = train_pixel(pixels, legend, settings, progress, unfinished)
        return replace(pixel, facts=_with_sets(pixel.facts, held, legend))
    from bocage.model._train import train_field

    field, held = train_field(pixels, legend, settings, progress, unfinished)
    return replace(field, facts=_with_sets(field.facts, held, legend))


def _with_sets(facts: Facts, held: Held, legend: Legend) -> Facts:
    """The facts with thresholds of conformal sets at every level."""
    thresholds = conformal_thresholds(held.probability, held.allowed, legend, places=held.squares)
    conformal = {
        "coverage": COVERAGE,
        "thresholds": thresholds,
        "expected": expected_coverage(held.probability, legend, thresholds),
    }
    return replace(facts, metrics={**facts.metrics, "conformal": conformal})


_LOADERS: dict[str, Callable[[Path | str], Classifier]] = {
    "field": FieldModel.load,
    "pixel": PixelModel.load,
    "trees": TreesModel.load,
}


def model_files(engine: str) -> tuple[str, ...]:
    """Names of the files of a saved model, relative to its folder."""
    own = ("model.npz",) if engine == "trees" else (GRAPH, WEIGHTS)
    return ("model.json", "card.md", *own)


def load_model(folder: Path | str, legend: Legend | None = None) -> Classifier:
    """Read a trained model; nothing in the folder is executed as code.

    Parameters
    ----------
    folder
        Folder that a model's ``save`` has written.
    legend
        When given, it is checked to be the one of the model.

    Raises
    ------
    InputError
        If a file is missing or altered, or the legend is another one.
    """
    path = existing(Path(folder) / "model.json", "model")
    try:
        engine = json.loads(path.read_text(encoding="utf-8"))["engine"]
        load: Callable[[Path | str], Classifier] = _LOADERS[engine]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} describes no model", remedy="train it again") from error
    model: Classifier = load(folder)
    if legend is not None:
        model.facts.require(legend)
    return model
