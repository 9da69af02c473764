"""What the classifier believes about every pixel: the likeliest classes and their probabilities."""

from bocage.posterior._pack import pack
from bocage.posterior._posterior import DEFAULT_K, NO_CONFIDENCE, Posterior
from bocage.posterior._store import load, save

__all__ = ["DEFAULT_K", "NO_CONFIDENCE", "Posterior", "load", "pack", "save"]
