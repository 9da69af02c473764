"""SEN2SRLite from a local folder in the layout it is published in; no code of it is run.

Aybar et al. (2025), "A radiometrically and spatially consistent super-resolution framework for
Sentinel-2", Remote Sensing of Environment. The networks are of the family of SPAN (Wan et al.,
2024, "Swift Parameter-free Attention Network", CVPR Workshops). Of the blocks that the files hold
only the first and the last reach the result: the others are checked and left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bocage.errors import ConfigError, InputError
from bocage.files import existing
from bocage.superres._bicubic import FACTOR, bilinear, fill_nearest, mask_back, upsample
from bocage.superres._lmmse import apply_filter, shipped_filters
from bocage.superres._span import Span

PREFIX = "sen2sr:"
"""What the name of such a backend starts with; the path of the folder follows."""

RGBN = ("B04", "B03", "B02", "B08")
SWIR = ("B05", "B06", "B07", "B8A", "B11", "B12")
_FUSED = ("B02", "B03", "B04", "B08")  # order of the fine bands that the fusion is given

TILE = 128
"""Side in coarse pixels of what the published masks fit."""

MARGIN = 16
"""Coarse pixels around a tile that are thrown away."""

Array = NDArray[np.float32]


def tensor_files(folder: Path) -> dict[str, Path]:
    """The files of a folder that are read: ``model`` and ``constraint``, perhaps ``fusion…``.

    Raises
    ------
    ConfigError
        If the folder is in neither of the published layouts: the four 10 m bands
        (``model.safetensor``, ``hard_constraint.safetensor``), or all ten
        (``sr_model.safetensor``, ``sr_hard_constraint.safetensor`` beside them).
    """
    base, mask = folder / "model.safetensor", folder / "hard_constraint.safetensor"
    sr, sr_mask = folder / "sr_model.safetensor", folder / "sr_hard_constraint.safetensor"
    files = {"model": base, "constraint": mask}
    if sr.exists():
        files = {"model": sr, "constraint": sr_mask, "fusion": base, "fusion constraint": mask}
    if lost := [f.name for f in files.values() if not f.is_file()]:
        raise ConfigError(
            f"superres.backend: {folder} lacks {', '.join(lost)}",
            remedy="give the folder of SEN2SRLite as it is published: model.safetensor and "
            "hard_constraint.safetensor, with sr_model and sr_hard_constraint for ten bands",
        )
    return files


class Sen2Sr:
    """SEN2SRLite: the four 10 m bands, and with the layout of ten bands those of 20 m too.

    The 20 m bands come sharpened to 10 m by the chain; the folder's own network for that
    (``f2_model``) is not used. Other bands go through the linear filter.
    """

    consistency: ClassVar[str] = "psf"

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._files = tensor_files(self._folder)

    @property
    def name(self) -> str:
        """``sen2sr:`` and the name of the folder."""
        return f"{PREFIX}{self._folder.name}"

    @cached_property
    def _model(self) -> tuple[Span, Array]:
        return self._network("model", 4, 4, FACTOR), self._mask("constraint")

    @cached_property
    def _fusion(self) -> tuple[Span, Array]:
        return self._network("fusion", 10, 6, 1), self._mask("fusion constraint")

    def _network(self, which: str, taken: int, given: int, factor: int) -> Span:
        path = self._files[which]
        return Span.from_tensors(read_tensors(path), taken, given, factor, str(path))

    def _mask(self, which: str) -> Array:
        path = self._files[which]
        side = FACTOR * TILE
        mask = read_tensors(path).get("weights")
        if mask is None or mask.shape != (side, side):
            raise InputError(
                f"{path} holds no mask 'weights' of {side} × {side}",
                remedy="give the folder of SEN2SRLite as it is published",
            )
        return mask

    def note(self, bands: tuple[str, ...]) -> str:
        """The bands that do not go through a network."""
        known = (*RGBN, *SWIR) if self._fused(bands) else RGBN
        linear = [b for b in bands if b not in known]
        return f"linear filter for {', '.join(linear)}" if linear else ""

    def _fused(self, bands: tuple[str, ...]) -> bool:
        return "fusion" in self._files and all(b in bands for b in SWIR)

    def upscale(self, image: Array, bands: tuple[str, ...]) -> Array:
        """Four times the pixels along y and x; NaN where the source is NaN."""
        if lack := [b for b in RGBN if b not in bands]:
            raise InputError(
                f"{self.name} needs the bands {', '.join(RGBN)}; the image lacks {', '.join(lack)}",
                remedy="give an image with all of them, or another backend",
            )
        filled = fill_nearest(image)
        named = dict(zip(bands, filled, strict=True))
        order = (*RGBN, *SWIR) if self._fused(bands) else RGBN
        made = dict(zip(order, self._tiled(np.stack([named[b] for b in order])), strict=True))
        filters = shipped_filters()
        fine = [
            made[b] if b in made else apply_filter(values, filters.of(b))
            for b, values in named.items()
        ]
        return mask_back(np.stack(fine), image)

    def _tiled(self, image: Array) -> Array:
        """All tiles of an image (band, y, x); its rim is mirrored outwards."""
        count, rows, columns = image.shape
        step = TILE - 2 * MARGIN
        down, across = (-(-n // step) for n in (rows, columns))
        pad = [
            (0, 0),
            *(
                (MARGIN, parts * step - n + MARGIN)
                for parts, n in zip((down, across), (rows, columns), strict=True)
            ),
        ]
        wide = np.pad(image, pad, mode="symmetric")
        out = np.empty((count, FACTOR * down * step, FACTOR * across * step), dtype=np.float32)
        inner = slice(FACTOR * MARGIN, FACTOR * (TILE - MARGIN))
        for y in range(0, down * step, step):
            for x in range(0, across * step, step):
                fine = self._tile(wide[:, y : y + TILE, x : x + TILE])
                out[:, FACTOR * y : FACTOR * (y + step), FACTOR * x : FACTOR * (x + step)] = fine[
                    :, inner, inner
                ]
        return out[:, : FACTOR * rows, : FACTOR * columns]

    def _tile(self, part: Array) -> Array:
        net, mask = self._model
        rgbn = constrain(part[:4], np.maximum(net(part[:4]), 0), mask)
        if len(part) == len(RGBN):
            return rgbn
        fusion, fusion_mask = self._fusion
        fine = [rgbn[RGBN.index(b)] for b in _FUSED]
        given = np.stack([*bilinear(part[4:]), *fine])
        swir = constrain(part[4:], np.maximum(fusion(given), 0), fusion_mask)
        return np.concatenate([rgbn, swir])


def constrain(coarse: Array, fine: Array, mask: Array) -> Array:
    """Low frequencies of the interpolated source, high ones of the result.

    Parameters
    ----------
    coarse, fine
        (band, y, x) and (band, 4 y, 4 x).
    mask
        (4 y, 4 x), share of the source by frequency, zero frequency in the middle.
    """
    low = np.fft.ifftshift(mask)
    spectrum = np.fft.fft2(upsample(coarse)) * low + np.fft.fft2(fine) * (1 - low)
    result: Array = np.fft.ifft2(spectrum).real.astype(np.float32)
    return result


def read_tensors(path: Path) -> Mapping[str, Array]:
    """Tensors of a safetensors file as float32.

    Raises
    ------
    ConfigError
        If the package safetensors is not installed.
    InputError
        If the file is missing or damaged.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError as error:
        raise ConfigError(
            "superres.backend: sen2sr needs the package safetensors",
            remedy="install bocage with its extra 'train', or safetensors alone",
        ) from error
    existing(path, "superres.backend")
    try:
        return {k: np.asarray(v, dtype=np.float32) for k, v in load_file(path).items()}
    except (SafetensorError, OSError, TypeError) as error:
        raise InputError(
            f"{path} is no safetensors file: {error}", remedy="fetch it again"
        ) from error
