"""The small network of SEN2SRLite, in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.errors import InputError

FEATURES, BLOCKS, GAIN = 24, 6, 2

Array = NDArray[np.float32]
Kernel = tuple[Array, Array]


def _triple(name: str, taken: int, given: int) -> dict[str, tuple[int, ...]]:
    """Tensors of one convolution: 1 × 1, 3 × 3 and 1 × 1 beside a 1 × 1, and their sum."""
    wide_in, wide_out = GAIN * taken, GAIN * given
    weights: dict[str, tuple[int, ...]] = {
        "sk": (given, taken, 1, 1),
        "conv.0": (wide_in, taken, 1, 1),
        "conv.1": (wide_out, wide_in, 3, 3),
        "conv.2": (given, wide_out, 1, 1),
        "eval_conv": (given, taken, 3, 3),
    }
    return _with_bias({f"{name}.{part}": shape for part, shape in weights.items()})


def _with_bias(weights: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    named = {f"{k}.weight": shape for k, shape in weights.items()}
    return named | {f"{k}.bias": shape[:1] for k, shape in weights.items()}


def tensor_shapes(taken: int, given: int, factor: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all tensors of a file with so many bands in and out."""
    shapes = _triple("conv_1", taken, FEATURES) | _triple("conv_2", FEATURES, FEATURES)
    for block in range(BLOCKS):
        for part in ("c1_r", "c2_r", "c3_r"):
            shapes |= _triple(f"blocks.{block}.{part}", FEATURES, FEATURES)
    rest = {
        "conv_cat": (FEATURES, 4 * FEATURES, 1, 1),
        "upsampler.0": (given * factor**2, FEATURES, 3, 3),
    }
    return shapes | _with_bias(rest)


@dataclass(frozen=True, eq=False)
class Span:
    """The network: (band, y, x) to (band, factor · y, factor · x).

    Attributes
    ----------
    kernels
        Convolutions by name, those of three folded into one.
    factor
        Fine pixels along the side of a coarse one.
    """

    kernels: Mapping[str, Kernel]
    factor: int

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, Array], taken: int, given: int, factor: int, source: str
    ) -> Span:
        """Build it from the tensors of a file.

        Raises
        ------
        InputError
            Unless the tensors are those of such a network, all and no others.
        """
        shapes = tensor_shapes(taken, given, factor)
        wrong = [k for k, s in shapes.items() if k not in tensors or tensors[k].shape != s]
        more = sorted(set(tensors) - set(shapes))
        if wrong or more:
            raise InputError(
                f"{source} is no network of SEN2SRLite with {taken} bands: {len(wrong)} tensors "
                f"are missing or of another shape, {len(more)} unknown "
                f"({', '.join([*wrong, *more][:3])}, …)",
                remedy="give a folder of SEN2SRLite; the larger networks of SEN2SR are not run",
            )
        triples = ["conv_1", "conv_2"]
        triples += [f"blocks.{b}.c{n}_r" for b in (0, BLOCKS - 1) for n in (1, 2, 3)]
        kernels = {name: fold(tensors, name) for name in triples}
        for name in ("conv_cat", "upsampler.0"):
            kernels[name] = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return cls(kernels, factor)

    def __call__(self, image: Array) -> Array:
        """Apply the network."""
        start = self._convolve(image, "conv_1")
        first, _ = self._block(start, 0)
        last, inside = self._block(start, BLOCKS - 1)
        joined = np.concatenate([start, self._convolve(last, "conv_2"), first, inside])
        made = self._convolve(self._convolve(joined, "conv_cat"), "upsampler.0")
        return shuffle(made, self.factor)

    def _block(self, image: Array, number: int) -> tuple[Array, Array]:
        """Result of a block, and its first inner features (after their activation)."""
        name = f"blocks.{number}"
        inside = silu(self._convolve(image, f"{name}.c1_r"))
        features = silu(self._convolve(inside, f"{name}.c2_r"))
        features = self._convolve(features, f"{name}.c3_r")
        return (features + image) * (sigmoid(features) - np.float32(0.5)), inside

    def _convolve(self, image: Array, name: str) -> Array:
        return convolve(image, *self.kernels[name])


def fold(tensors: Mapping[str, Array], name: str) -> Kernel:
    """One 3 × 3 convolution that does what the three and the one beside them do together."""
    first, middle, last, beside = (
        tensors[f"{name}.{part}.weight"] for part in ("conv.0", "conv.1", "conv.2", "sk")
    )
    b_first, b_middle, b_last, b_beside = (
        tensors[f"{name}.{part}.bias"] for part in ("conv.0", "conv.1", "conv.2", "sk")
    )
    inner = np.einsum("omyx,mi->oiyx", middle, first[:, :, 0, 0])
    weight = np.einsum("po,oiyx->piyx", last[:, :, 0, 0], inner)
    weight[:, :, 1, 1] += beside[:, :, 0, 0]
    bias = last[:, :, 0, 0] @ (middle.sum(axis=(2, 3)) @ b_first + b_middle)
    return weight.astype(np.float32), (bias + b_last + b_beside).astype(np.float32)


def convolve(image: Array, weight: Array, bias: Array) -> Array:
    """Convolution (band, y, x) with a square kernel of odd size, zeros outside."""
    _, rows, columns = image.shape
    size = weight.shape[-1]
    rim = size // 2
    wide = np.pad(image, ((0, 0), (rim, rim), (rim, rim)))
    out = np.repeat(bias[:, None], rows * columns, axis=1)
    for y in range(size):
        for x in range(size):
            part = wide[:, y : y + rows, x : x + columns].reshape(len(image), -1)
            out += weight[:, :, y, x] @ part
    return out.reshape(-1, rows, columns)


def sigmoid(values: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    result: Array = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * values))
    return result


def silu(values: Array) -> Array:
    """The input times its sigmoid."""
    return values * sigmoid(values)


def shuffle(image: Array, factor: int) -> Array:
    """Bands to pixels: (band · factor², y, x) to (band, factor · y, factor · x)."""
    count, rows, columns = image.shape
    cells = image.reshape(count // factor**2, factor, factor, rows, columns)
    return cells.transpose(0, 3, 1, 4, 2).reshape(-1, factor * rows, factor * columns)
