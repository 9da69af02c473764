"""Training of the weights that super-resolution ships with. The network's part imports torch."""

from bocage.superres._network import FineNet, export_graph, export_weights
from bocage.superres._pairs import Augmentation, Pairs, draw_pairs, fit_filters, stand_ins
from bocage.superres._sharpen import detail_pair, detail_weights
from bocage.superres._train import TrainSettings, train_network

__all__ = [
    "Augmentation",
    "FineNet",
    "Pairs",
    "TrainSettings",
    "detail_pair",
    "detail_weights",
    "draw_pairs",
    "export_graph",
    "export_weights",
    "fit_filters",
    "stand_ins",
    "train_network",
]
