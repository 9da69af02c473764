"""From 10 m to 2.5 m: backends of super-resolution and the consistency with their source."""

from bocage.superres._backends import BACKENDS, DEFAULT, SuperResolver, get_backend
from bocage.superres._bicubic import FACTOR, Bicubic
from bocage.superres._consistent import consistent
from bocage.superres._series import fine_geobox, superresolve, superresolve_image

__all__ = [
    "BACKENDS",
    "DEFAULT",
    "FACTOR",
    "Bicubic",
    "SuperResolver",
    "consistent",
    "fine_geobox",
    "get_backend",
    "superresolve",
    "superresolve_image",
]
