"""What the training of every kind of network does around its own learning. Imports torch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.legend import Legend
from bocage.model._alike import guide_of
from bocage.model._bench import Bench
from bocage.model._facts import Facts
from bocage.model._journal import Journal, Kept
from bocage.model._pixels import Pixels
from bocage.model._settings import ModelSettings
from bocage.model._split import Split
from bocage.model._targets import labels_by_class, usable


def learnable(pixels: Pixels, legend: Legend) -> Pixels:
    """The pixels that a network can learn from.

    Raises
    ------
    InputError
        If the legend is another one, or there is a single label.
    """
    pixels.require(legend)
    pixels = usable(pixels)
    if pixels.labelled.sum() < 2:
        raise InputError(
            "a network cannot learn from one label", remedy="draw more samples inside the images"
        )
    return pixels


def kept_in(folder: Path | str | None, pixels: Pixels, settings: ModelSettings) -> Kept | None:
    """Where finished networks are kept, if they are."""
    return None if folder is None else Kept.of(folder, pixels, settings)


@contextlib.contextmanager
def repeatable(settings: ModelSettings) -> Iterator[None]:
    """Seed torch and make it repeatable, and leave it as it was found."""
    threads = torch.get_num_threads()
    strict = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(settings.seed)
        torch.set_num_threads(1)  # networks learn side by side instead
        # Some CUDA kernels have no repeatable variant; on a CPU all that are used here do.
        torch.use_deterministic_algorithms(not torch.cuda.is_available())
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)


def weight_of(bench: Bench) -> NDArray[np.float32]:
    """Weights of the pixels, mean 1 over the labelled ones; sampling has balanced the classes."""
    weight = bench.pixels.weight
    found: NDArray[np.float32] = weight / weight[bench.pixels.labelled].mean()
    return found


def counts(bench: Bench, split: Split) -> dict[str, Any]:
    """Numbers of labels, and notes, for the metrics of a model."""
    pixels = bench.pixels
    parts = {"train": split.train, "calibrate": split.calibrate, "all": pixels.labelled}
    absent, of = int((~bench.present).sum()), len(bench.present)
    note = f"{absent} of {of} classes have no label and are never mapped"
    return {
        "notes": [*split.notes, *[note] * bool(absent)],
        "labels": {name: int(part.sum()) for name, part in parts.items()},
        "labels_by_class": labels_by_class(pixels),
        "unlabelled": int((~pixels.labelled).sum()),
    }


def facts_of(
    bench: Bench, metrics: Mapping[str, Any], journal: Journal, settings: ModelSettings
) -> Facts:
    """What is kept about a trained network."""
    pixels = bench.pixels
    return Facts(
        engine=settings.engine,
        legend_id=pixels.legend_id,
        codes=pixels.codes,
        bands=pixels.bands,
        resolutions=pixels.resolutions,
        months=pixels.months,
        mean=tuple(float(v) for v in bench.mean),
        deviation=tuple(float(v) for v in bench.deviation),
        temperature=round(float(metrics["temperature"]), 6),
        absent=tuple(c for c, h in zip(pixels.codes, bench.present, strict=True) if not h),
        layers=pixels.layers,
        settings=settings,
        metrics=metrics,
        curve=tuple(journal.records),
        guide=guide_of(pixels, settings.seed),
    )
