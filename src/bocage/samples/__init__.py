"""Labelled points: reference layers as sets of classes, fused, drawn, cleaned and asked for."""

from bocage.samples._active import ActiveRules, ActiveRun, learn_actively
from bocage.samples._catalogue import sampling_layers, sampling_sources
from bocage.samples._cleaning import (
    DROP,
    KEEP,
    UNKNOWN,
    Cleaned,
    Verdicts,
    clean_samples,
    judge,
    label_matrix,
)
from bocage.samples._cleaning_rules import CleaningRules, load_cleaning_rules
from bocage.samples._conditions import read_layers
from bocage.samples._confident import ConfidentJoint, confident_errors, confident_joint
from bocage.samples._cubes import fold_of
from bocage.samples._draw import draw_samples
from bocage.samples._evidence import Evidence, gather_evidence, random_folds
from bocage.samples._export import export_samples
from bocage.samples._fuse import Fused, fuse
from bocage.samples._labels import Labels, label_raster
from bocage.samples._learner import Learner, nearest_neighbours, out_of_fold, reduce_features
from bocage.samples._oracle import NO_ANSWER, Answers, Oracle, TableOracle
from bocage.samples._query import (
    bald_score,
    margin_score,
    pick_batch,
    rarity,
)
from bocage.samples._relabel import relabel_test
from bocage.samples._rules import SamplingRules, Source, enriched
from bocage.samples._store import (
    add_questions,
    answered,
    empty_labels,
    read_labels,
    with_labels,
)
from bocage.samples._table import (
    COLUMNS,
    collect,
    empty_samples,
    of_year,
    read_samples,
    summary,
    write_samples,
)
from bocage.samples._typical import share_out, typical_points, typicality

__all__ = [
    "COLUMNS",
    "DROP",
    "KEEP",
    "NO_ANSWER",
    "UNKNOWN",
    "ActiveRules",
    "ActiveRun",
    "Answers",
    "Cleaned",
    "CleaningRules",
    "ConfidentJoint",
    "Evidence",
    "Fused",
    "Labels",
    "Learner",
    "Oracle",
    "SamplingRules",
    "Source",
    "TableOracle",
    "Verdicts",
    "add_questions",
    "answered",
    "bald_score",
    "clean_samples",
    "collect",
    "confident_errors",
    "confident_joint",
    "draw_samples",
    "empty_labels",
    "empty_samples",
    "enriched",
    "export_samples",
    "fold_of",
    "fuse",
    "gather_evidence",
    "judge",
    "label_matrix",
    "label_raster",
    "learn_actively",
    "load_cleaning_rules",
    "margin_score",
    "nearest_neighbours",
    "of_year",
    "out_of_fold",
    "pick_batch",
    "random_folds",
    "rarity",
    "read_labels",
    "read_layers",
    "read_samples",
    "reduce_features",
    "relabel_test",
    "sampling_layers",
    "sampling_sources",
    "share_out",
    "summary",
    "typical_points",
    "typicality",
    "with_labels",
    "write_samples",
]
