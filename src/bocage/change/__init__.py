"""Two years decoded together: class pairs, confidences and the probability of change."""

from bocage.change._decode import decode
from bocage.change._prior import TransitionPrior

__all__ = ["TransitionPrior", "decode"]
