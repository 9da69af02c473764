"""The classifier: training chips, the field network and trees, calibration and prediction."""

from bocage.model._chips import Chips, concatenate, cut_chips
from bocage.model._conformal import conformal_thresholds, safe_levels, set_sizes
from bocage.model._engines import load_model, model_files, train
from bocage.model._ensemble import EnsembleModel
from bocage.model._facts import Classifier, Facts
from bocage.model._field import FieldModel
from bocage.model._predict import predict
from bocage.model._settings import CHIP_PX, ModelSettings
from bocage.model._store import load_chips, save_chips
from bocage.model._trees import TreesModel
from bocage.model.baselines import BASELINES, fit_predict, pixel_features

__all__ = [
    "BASELINES",
    "CHIP_PX",
    "Chips",
    "Classifier",
    "EnsembleModel",
    "Facts",
    "FieldModel",
    "ModelSettings",
    "TreesModel",
    "concatenate",
    "conformal_thresholds",
    "cut_chips",
    "fit_predict",
    "load_chips",
    "load_model",
    "model_files",
    "pixel_features",
    "predict",
    "safe_levels",
    "save_chips",
    "set_sizes",
    "train",
]
