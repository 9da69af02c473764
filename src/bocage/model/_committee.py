"""A committee learns from the labels, a single network from the committee. Imports torch.

Members differ in what they see; their mean is right more often than any of them and less sure of
what one has learned by heart. What they say of many pixels without labels teaches the network
that is shipped (Buciluǎ et al. 2006, KDD; Hinton et al. 2015), which is as good at the cost of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as binary_cross_entropy

from bocage.model._bench import Bench, Net, View, fit, logits_of, set_losses
from bocage.model._features import index_names
from bocage.model._journal import Journal, Task
from bocage.model._network import PixelNet, Sizes
from bocage.model._pixels import Pixels
from bocage.model._settings import ModelSettings
from bocage.model._trees import features_at_scales, grow, leaf_shares

VIEW = View((0, 1, 2))
"""What the shipped network sees: the pixel and both of its surroundings."""

_SCALES = ((0,), (0, 1), (0, 2), (0, 1, 2))  # of the members
_ALONE = ((0,), (0,))

_TREES = 100
_MEMBER_STEPS, _MEMBER_EPOCHS = 4000, (10, 200)
_STUDENT_STEPS, _STUDENT_EPOCHS = 3000, (4, 100)
_STUDENT_BATCH = 256
_LITTLE = 1e-3  # nats; there is nothing to share in less


@dataclass(frozen=True, eq=False)
class Member:
    """A network and what it sees."""

    net: PixelNet
    view: View


@dataclass(frozen=True, eq=False)
class Committee:
    """Networks, and a forest that sees what they see.

    Networks are better with many labels, trees with few; both together are better than either.
    """

    members: list[Member]
    forest: dict[str, NDArray[Any]]
    forest_view: View


@dataclass(frozen=True, eq=False)
class Lesson:
    """Labelled pixels to learn from.

    Attributes
    ----------
    which
        Their positions.
    weight
        Of all pixels.
    alone
        The map lies far from the labels: surroundings, which say where a label is as much as
        what it is, are not looked at.
    """

    which: NDArray[np.intp]
    weight: NDArray[np.float32]
    alone: bool = False


def views(pixels: Pixels, alone: bool = False) -> list[View]:
    """What the members see; those of indices need bands that make some."""
    kinds = (False, True) if index_names(pixels.bands) else (False,)
    return [View(scales, i) for i in kinds for scales in (_ALONE if alone else _SCALES)]


@dataclass(frozen=True, eq=False)
class Opinions:
    """What the members of a committee say.

    Attributes
    ----------
    nets, forest
        Mean probabilities of the networks, and those of the forest, float32 (pixel, class) each.
    within
        Mean entropy of the networks, each for itself, float32 (pixel,).
    """

    nets: NDArray[np.float32]
    forest: NDArray[np.float32]
    within: NDArray[np.float32]

    def together(self, share: float) -> NDArray[np.float32]:
        """Their mean, with a share of the forest."""
        found: NDArray[np.float32] = np.float32(1 - share) * self.nets
        found += np.float32(share) * self.forest
        return found

    def epistemic(self, share: float) -> NDArray[np.float32]:
        """Share of the entropy of their mean that is due to their disagreement, 0 … 1, (pixel,).

        What members with other seeds and other views of the same labels disagree about, the
        labels did not teach (Houlsby et al. 2011; Lakshminarayanan et al. 2017, NeurIPS).
        """
        whole = _entropy(self.together(share))
        own = (1 - share) * self.within + share * _entropy(self.forest)
        found = np.maximum(whole - own, 0) / np.maximum(whole, _LITTLE)
        return np.asarray(found, np.float32)


def member_epochs(labels: int, settings: ModelSettings) -> int:
    """Passes of a member over so many labels."""
    if settings.epochs != "auto":
        return settings.epochs
    return _about(_MEMBER_STEPS * settings.batch / max(labels, 1), _MEMBER_EPOCHS)


def student_epochs(pixels: int, settings: ModelSettings) -> int:
    """Passes of the shipped network over so many pixels."""
    if settings.epochs != "auto":
        return settings.epochs
    return _about(_STUDENT_STEPS * _STUDENT_BATCH / max(pixels, 1), _STUDENT_EPOCHS)


def elect(bench: Bench, lesson: Lesson, settings: ModelSettings, journal: Journal) -> Committee:
    """Train the members on labelled pixels."""
    seen, tasks = views(bench.pixels, lesson.alone), []
    for number, view in enumerate(seen):
        own = replace(settings, seed=settings.seed + number)
        torch.manual_seed(own.seed)
        sizes = _sizes(bench, view, settings.member_width, settings.dropout)
        net = PixelNet(sizes, bench.present.tolist(), own.seed).to(bench.device)
        learn = partial(learn_labels, bench, lesson, view, own)
        tasks.append(Task(f"member {number + 1}", net, learn))
    at_once = settings.cores if bench.device.type == "cpu" else 1
    nets = journal.learn_all(tasks, at_once)
    members = [Member(net, view) for net, view in zip(nets, seen, strict=True)]
    pixels = bench.pixels.pick(lesson.which)
    pixels = replace(pixels, weight=lesson.weight[lesson.which])
    view = View((0,)) if lesson.alone else VIEW
    forest = grow(
        pixels,
        features_at_scales(pixels, view.scales),
        np.ones(len(pixels), bool),
        bench.present,
        replace(settings, trees=_TREES),
    )
    return Committee(members, forest, view)


def learn_labels(
    bench: Bench,
    lesson: Lesson,
    view: View,
    settings: ModelSettings,
    net: Net,
    told: Callable[[float], None],
) -> Net:
    """Train a network on labelled pixels as a view shows them."""
    allowed, weight = bench.tensor(bench.pixels.allowed), bench.tensor(lesson.weight)
    present = bench.tensor(bench.present)
    # Few labels, seen many times: filled and put in order once.
    ready = bench.inputs(lesson.which, view)
    place = np.zeros(len(bench.pixels), np.intp)
    place[lesson.which] = np.arange(len(lesson.which))

    def loss(logits: Tensor, part: NDArray[np.intp]) -> Tensor:
        each = set_losses(logits, allowed[part], present, settings.smoothing)
        return each * weight[part]

    return fit(
        net,
        lesson.which,
        lambda part: ready[place[part]],
        loss,
        epochs=member_epochs(len(lesson.which), settings),
        batch=settings.batch,
        rate=settings.learning_rate,
        rng=np.random.default_rng(settings.seed),
        told=told,
        precision=bench.precision,
    )


def poll(bench: Bench, committee: Committee, which: NDArray[np.intp]) -> Opinions:
    """What the networks on average, and the forest, say of some pixels."""
    nets = np.zeros((len(which), len(bench.present)), np.float32)
    within = np.zeros(len(which), np.float32)
    for member in committee.members:
        logits = logits_of(member.net, which, partial(bench.inputs, view=member.view))
        said = torch.softmax(logits, dim=1).cpu().numpy()
        nets += said / len(committee.members)
        within += _entropy(said) / len(committee.members)
    features = features_at_scales(bench.pixels.pick(which), committee.forest_view.scales)
    return Opinions(nets, leaf_shares(committee.forest, features, len(bench.present)), within)


def _entropy(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Entropy, nats, (pixel,)."""
    found: NDArray[np.float32] = -(probability * np.log(np.maximum(probability, 1e-12))).sum(axis=1)
    return found


def teach(
    bench: Bench,
    targets: NDArray[np.float32],
    epistemic: NDArray[np.float32],
    settings: ModelSettings,
    journal: Journal,
) -> PixelNet:
    """Train the network that is shipped on what the committee says of all pixels.

    Months are hidden from it and not from the committee: it learns to say the same with less.
    Its last output is the logit of the share of the entropy that is epistemic.

    Parameters
    ----------
    bench
        All pixels.
    targets
        Probabilities of the committee, (pixel, class).
    epistemic
        Share of their entropy, (pixel,). It counts as much as there is entropy to share.
    settings
        Choices.
    journal
        Of the training.
    """
    torch.manual_seed(settings.seed)
    every = np.arange(len(bench.pixels))
    sizes = _sizes(bench, VIEW, settings.width, 0.0)
    net = PixelNet(replace(sizes, outputs=sizes.outputs + 1), [*bench.present.tolist(), True])
    wanted, shares = bench.tensor(targets), bench.tensor(epistemic)
    entropy = bench.tensor(_entropy(targets) / np.log(max(len(bench.present), 2)))

    def loss(logits: Tensor, part: NDArray[np.intp]) -> Tensor:
        classes, doubt = logits[:, :-1], logits[:, -1]
        said = -(wanted[part] * torch.log_softmax(classes, dim=1)).sum(dim=1)
        return said + entropy[part] * binary_cross_entropy(doubt, shares[part], reduction="none")

    rng = np.random.default_rng(settings.seed)

    def learn(net: PixelNet, told: Callable[[float], None]) -> PixelNet:
        return fit(
            net,
            every,
            partial(bench.inputs, view=VIEW, hide=(settings.month_dropout, rng)),
            loss,
            epochs=student_epochs(len(every), settings),
            batch=_STUDENT_BATCH,
            rate=settings.learning_rate,
            rng=rng,
            told=told,
            precision=bench.precision,
        )

    return journal.learn(Task("network", net.to(bench.device), learn))


def _sizes(bench: Bench, view: View, width: int, dropout: float) -> Sizes:
    return Sizes(bench.channels(view), len(bench.present), width, dropout=dropout)


def _about(epochs: float, limits: tuple[int, int]) -> int:
    return min(max(round(epochs), limits[0]), limits[1])
