"""From 10 m to 2.5 m: backends of super-resolution and the consistency with their source."""

from bocage.superres._backends import BACKENDS, DEFAULT, SuperResolver, fingerprint, get_backend
from bocage.superres._bicubic import FACTOR, Bicubic, upsample
from bocage.superres._consistent import consistent
from bocage.superres._edges import Sharpness, edge_places, edge_sharpness
from bocage.superres._fine10 import Fine10
from bocage.superres._flags import image_flags
from bocage.superres._judge import Judgement, judge
from bocage.superres._lmmse import Lmmse
from bocage.superres._native import (
    Sharpened,
    find_cells,
    native_sizes,
    sharpen_images,
    sharpen_native,
)
from bocage.superres._opensr import consistency, correctness
from bocage.superres._psf import back_project, clamp, degrade, psf_mtf, psf_table
from bocage.superres._quality import METRICS
from bocage.superres._report import write_report
from bocage.superres._series import fine_geobox, superresolve, superresolve_image
from bocage.superres._sharpen import sharpen
from bocage.superres._wald import Subject, native_scale, reduced_scale, sharpening

__all__ = [
    "BACKENDS",
    "DEFAULT",
    "FACTOR",
    "METRICS",
    "Bicubic",
    "Fine10",
    "Judgement",
    "Lmmse",
    "Sharpened",
    "Sharpness",
    "Subject",
    "SuperResolver",
    "back_project",
    "clamp",
    "consistency",
    "consistent",
    "correctness",
    "degrade",
    "edge_places",
    "edge_sharpness",
    "find_cells",
    "fine_geobox",
    "fingerprint",
    "get_backend",
    "image_flags",
    "judge",
    "native_scale",
    "native_sizes",
    "psf_mtf",
    "psf_table",
    "reduced_scale",
    "sharpen",
    "sharpen_images",
    "sharpen_native",
    "sharpening",
    "superresolve",
    "superresolve_image",
    "upsample",
    "write_report",
]
