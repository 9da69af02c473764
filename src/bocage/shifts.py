"""The place of a correlation peak to a fraction of a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def subpixel_peak(
    cross: NDArray[np.complex128],
    upsampling: int = 50,
    overlap: NDArray[np.float64] | None = None,
) -> tuple[float, float]:
    """Rows and columns of the highest correlation.

    Parameters
    ----------
    cross
        Cross-power spectrum (y, x), unscaled: the transform of the target times the complex
        conjugate of that of the image. Shifts are those that move the image onto the target.
    upsampling
        Steps a pixel.
    overlap
        Power spectrum of the window that both images were multiplied with. Windows overlap less
        the more they are moved, which pulls the peak to no shift; it is divided out (Padfield,
        2012, IEEE Transactions on Image Processing 21(5), 2706–2718).

    Notes
    -----
    The highest pixel is refined by a local discrete Fourier transform (Guizar-Sicairos, Thurman
    and Fienup, 2008, Optics Letters 33(2), 156–158).
    """
    peak = np.unravel_index(np.argmax(np.abs(np.fft.ifft2(cross))), cross.shape)
    rough = [int(p) - n * (p > n // 2) for p, n in zip(peak, cross.shape, strict=True)]
    size = int(np.ceil(1.5 * upsampling))
    fine = (np.arange(size) - size // 2) / upsampling
    rows, columns = (
        np.exp(2j * np.pi * np.outer(r + fine, np.fft.fftfreq(n)))
        for r, n in zip(rough, cross.shape, strict=True)
    )
    found = np.abs(rows @ cross @ columns.T)
    if overlap is not None:
        found /= np.abs(rows @ overlap @ columns.T)
    y, x = np.unravel_index(np.argmax(found), found.shape)
    return rough[0] + float(fine[y]), rough[1] + float(fine[x])
