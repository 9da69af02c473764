"""What the other days of a series show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Others:
    """The median of all days but one, whichever that is.

    A median that an image has a part in is like it in place and noise: a shift beside it is found
    too small.

    Attributes
    ----------
    median, under, over, same
        Arrays of one shape: the median of all days, and what it is without a day whose value lies
        under it, over it, or is the median itself. NaN where nothing is left.
    """

    median: Image
    under: Image
    over: Image
    same: Image

    @classmethod
    def of(cls, stack: NDArray[np.float32]) -> Others:
        """Those of images (day, …), NaN where they are not usable."""
        ordered = np.sort(stack, axis=0)  # NaN last
        count = np.isfinite(stack).sum(axis=0)

        def at(place: NDArray[np.intp]) -> Image:
            safe = np.clip(place, 0, len(stack) - 1)[None]
            value = np.take_along_axis(ordered, safe, axis=0)[0]
            return np.where((place >= 0) & (place < count), value, np.float32(np.nan))

        below, lower, upper, above = (
            at(p) for p in (count // 2 - 1, (count - 1) // 2, count // 2, count // 2 + 1)
        )
        odd = count % 2 == 1
        return cls(
            median=_mean(lower, upper),
            under=np.where(odd, _mean(upper, above), upper),
            over=np.where(odd, _mean(below, lower), lower),
            same=np.where(odd, _mean(below, above), upper),
        )

    def than(self, image: Image) -> Image:
        """The median of all days but that of an image; of all where it shows nothing."""
        without = np.where(image < self.median, self.under, self.over)
        without = np.where(image == self.median, self.same, without)
        return np.where(np.isnan(image), self.median, without)


def _mean(one: Image, other: Image) -> Image:
    return np.float32(0.5) * (one + other)
