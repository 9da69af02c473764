"""The classifier: training pixels, networks and trees, calibration, prediction."""

from bocage.model._conformal import (
    conformal_thresholds,
    expected_coverage,
    map_thresholds,
)
from bocage.model._engines import load_model, model_files, train
from bocage.model._facts import Classifier, Facts
from bocage.model._field import FieldModel
from bocage.model._pixel import PixelModel
from bocage.model._pixels import Pixels, concatenate
from bocage.model._place import terrain
from bocage.model._predict import predict, predict_pixels
from bocage.model._read import read_pixels
from bocage.model._settings import ModelSettings
from bocage.model._store import load_pixels, save_pixels
from bocage.model._trees import TreesModel
from bocage.model.baselines import BASELINES, fit_predict, pixel_features

__all__ = [
    "BASELINES",
    "Classifier",
    "Facts",
    "FieldModel",
    "ModelSettings",
    "PixelModel",
    "Pixels",
    "TreesModel",
    "concatenate",
    "conformal_thresholds",
    "expected_coverage",
    "fit_predict",
    "load_model",
    "load_pixels",
    "map_thresholds",
    "model_files",
    "pixel_features",
    "predict",
    "predict_pixels",
    "read_pixels",
    "save_pixels",
    "terrain",
    "train",
]
