"""Make the table of canopies of the simulator with PROSAIL: ``python docs/canopies.py``.

Run it after a change of ``canopies.csv``. It needs ``prosail``, which is a tool of
development and not a dependency of the package. Leaves are those of PROSPECT-D (Féret et
al. 2017), canopies those of 4SAIL (Verhoef et al. 2007) seen from above.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import prosail
from numpy.typing import NDArray

from bocage.simulate._canopy import LAI, STAGES, TABLE, ZENITH, Traits, traits
from bocage.simulate._tables import BANDS

CENTRE = (442.5, 492.3, 559.4, 664.8, 704.0, 739.8, 781.3, 832.9, 864.4, 944.2, 1612.1, 2194.1)
"""Central wavelength of each band in nm, mean of Sentinel-2A and 2B."""

WIDTH = (21, 66, 36, 31, 15.5, 15, 20, 106, 21.5, 20.5, 92.5, 180)
"""Width of each band at half its height in nm, mean of Sentinel-2A and 2B."""

GROUNDS = (0.0, 0.2, 0.5)
"""Reflectance of the grounds with which a canopy is computed."""

WAVES = np.arange(400, 2501, dtype=float)


def responses() -> NDArray[np.float64]:
    """Spectral responses as super-Gaussians of order 6, shape (band, wavelength), sum 1."""
    centre, half = np.array(CENTRE)[:, None], np.array(WIDTH)[:, None] / 2
    curve = np.exp(-np.log(2) * np.abs((WAVES - centre) / half) ** 6)
    result: NDArray[np.float64] = curve / curve.sum(axis=1, keepdims=True)
    return result


def canopy(kind: Traits, stage: float, lai: float, zenith: float) -> NDArray[np.float64]:
    """Three terms of a canopy over any ground, shape (term, band); see ``_canopy``."""
    if lai == 0:
        return np.stack([np.zeros(len(BANDS)), np.ones(len(BANDS)), np.zeros(len(BANDS))])
    t = kind.at(stage)
    leaf, through = prosail.run_prospect(
        t["n"], t["cab"], t["car"], t["cbrown"], t["cw"], t["cm"], ant=t["ant"]
    )[1:]
    seen = [
        responses()
        @ prosail.run_sail(
            leaf, through, lai, t["ala"], t["hot"], zenith, 0.0, 0.0, rsoil0=np.full(WAVES.size, g)
        )
        for g in GROUNDS
    ]
    dark, dim, light = seen
    # dim - dark = G d / (1 - S d) and light - dark = G l / (1 - S l), solved for S and G.
    _, d, bright = GROUNDS
    ratio = (light - dark) * d / np.maximum((dim - dark) * bright, 1e-12)
    s = (ratio - 1) / (ratio * bright - d)
    return np.stack([dark, (dim - dark) * (1 - s * d) / d, s])


def table() -> NDArray[np.float32]:
    """All canopies, float32, shape (canopy, stage, LAI, zenith, term, band)."""
    made = [
        canopy(kind, stage, lai, zenith)
        for kind in traits()
        for stage in STAGES
        for lai in LAI
        for zenith in ZENITH
    ]
    shape = (len(traits()), len(STAGES), len(LAI), len(ZENITH), 3, len(BANDS))
    return np.reshape(made, shape).astype(np.float32)


def main() -> None:
    """Write the table beside the traits."""
    data = Path(__file__).resolve().parents[1] / "src" / "bocage" / "simulate" / "data"
    np.save(data / TABLE, table())


if __name__ == "__main__":
    main()
