"""Images made alike: slopes turned level, the satellite put overhead."""

from __future__ import annotations

from datetime import date

import numpy as np
import pystac
from numpy.typing import NDArray

from bocage.errors import InputError
from bocage.imagery._angles import sun_of, view_of
from bocage.imagery._brdf import c_factors
from bocage.imagery._light import Light, level
from bocage.imagery._settings import ImagerySettings


def corrected(
    image: NDArray[np.float32],
    item: pystac.Item,
    day: date,
    settings: ImagerySettings,
    light: Light | None,
) -> NDArray[np.float32]:
    """An image (band, y, x) as the settings want it.

    Parameters
    ----------
    image
        Reflectance, NaN where there is none.
    item, day
        What it was read from, and its day.
    settings
        Says whether directional reflectance is corrected.
    light
        Ground and light; None: slopes stay as they are, as on days that the survey is silent of.

    Raises
    ------
    InputError
        If the item does not say where sun and satellite stood, or there are no heights for it.
    """
    if light is not None:
        _require_heights(image, item, light)
        if responses := light.lighting.get(day.isoformat()):
            sun, upright = sun_of(item), settings.illumination == "scs_c"
            factors = [level(responses[b], light.ground, sun, upright) for b in settings.bands]
            image = image * np.stack(factors)
    if settings.brdf == "c_factor":
        image = image * c_factors(settings.bands, sun_of(item), view_of(item))[:, None, None]
    return image


def _require_heights(image: NDArray[np.float32], item: pystac.Item, light: Light) -> None:
    seen = np.isfinite(image[0])
    if lost := float((seen & ~np.isfinite(light.ground.up)).sum()):
        raise InputError(
            f"imagery.terrain has no heights for {lost / seen.sum():.1%} of item {item.id} in a "
            "block",
            remedy="give heights of the whole area and some 200 m around it (0 at sea), or set "
            "imagery.illumination: none",
        )
