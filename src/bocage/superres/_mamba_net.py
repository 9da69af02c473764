"""The RGB network of opensr-mamba, in torch, with a selective scan that any CPU runs.

MambaIR (Guo et al., 2024, "MambaIR: a simple baseline for image restoration with state-space
model", ECCV) in the size that is published: four groups of two state-space blocks of 60 features.
An image is read in four orders, along rows and columns, forwards and backwards (VMamba: Liu et
al., 2024, NeurIPS); each is a selective state-space model (Mamba: Gu and Dao, 2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as nnf

from bocage.errors import InputError
from bocage.superres._bicubic import FACTOR

COLOURS = 3
FEATURES, GROUPS, BLOCKS = 60, 4, 2
INNER, STATES, RANK, ORDERS = 90, 16, 4, 4

_AT_ONCE = 32  # steps of a scan whose coefficients fit the cache of a core

Tensor = torch.Tensor


def tensor_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of all tensors of the published file."""
    shapes = _convolution("conv_first", FEATURES, COLOURS) | _norm("patch_embed.norm", FEATURES)
    for group in range(GROUPS):
        for block in range(BLOCKS):
            shapes |= _block_shapes(f"layers.{group}.residual_group.blocks.{block}")
        shapes |= _convolution(f"layers.{group}.conv", FEATURES, FEATURES)
    return (
        shapes
        | _norm("norm", FEATURES)
        | _convolution("conv_after_body", FEATURES, FEATURES)
        | _convolution("upsample.0", COLOURS * FACTOR**2, FEATURES)
    )


def read_net(path: Path) -> MambaNet:
    """The network of a published file; only numbers are read of it.

    Raises
    ------
    InputError
        If the file is damaged, or holds other tensors than `tensor_shapes`.
    """
    remedy = "install opensr-mamba 0.0.1 again"
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise InputError(f"{path} cannot be read as weights: {error}", remedy=remedy) from error
    shapes = tensor_shapes()
    held = held if isinstance(held, dict) else {}
    found = {k: tuple(v.shape) for k, v in held.items() if isinstance(v, Tensor)}
    wrong = [k for k, shape in shapes.items() if found.get(k) != shape]
    unknown = held.keys() - shapes
    if wrong or unknown:
        raise InputError(
            f"{path} holds another network: {len(wrong)} tensors are missing or have another "
            f"shape ({', '.join(wrong[:3])}), {len(unknown)} unknown",
            remedy=remedy,
        )
    return MambaNet({k: held[k].float() for k in shapes})


def _block_shapes(name: str) -> dict[str, tuple[int, ...]]:
    scan = f"{name}.self_attention"
    return {
        **_norm(f"{name}.ln_1", FEATURES),
        **_norm(f"{name}.ln_2", FEATURES),
        f"{name}.skip_scale": (FEATURES,),
        f"{name}.skip_scale2": (FEATURES,),
        # Two numbers that are published and take no part.
        f"{name}.conv_blk.a_parameter": (1,),
        f"{name}.conv_blk.b_parameter": (1,),
        f"{scan}.in_proj.weight": (2 * INNER, FEATURES),
        **_convolution(f"{scan}.conv2d", INNER, 1),
        f"{scan}.x_proj_weight": (ORDERS, RANK + 2 * STATES, INNER),
        f"{scan}.dt_projs_weight": (ORDERS, INNER, RANK),
        f"{scan}.dt_projs_bias": (ORDERS, INNER),
        f"{scan}.A_logs": (ORDERS * INNER, STATES),
        f"{scan}.Ds": (ORDERS * INNER,),
        **_norm(f"{scan}.out_norm", INNER),
        f"{scan}.out_proj.weight": (FEATURES, INNER),
    }


def _convolution(name: str, given: int, taken: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (given, taken, 3, 3), f"{name}.bias": (given,)}


def _norm(name: str, features: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (features,), f"{name}.bias": (features,)}


@dataclass(frozen=True, eq=False)
class MambaNet:
    """The network: red, green and blue (3, y, x) to (3, 4 y, 4 x).

    Attributes
    ----------
    tensors
        Those of `tensor_shapes`, float32.
    """

    tensors: Mapping[str, Tensor]

    @torch.inference_mode()
    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Apply the network."""
        start = self._convolve(torch.from_numpy(np.ascontiguousarray(image)), "conv_first")
        body = self._norm(_last(start), "patch_embed.norm")
        orders = scan_orders(*image.shape[1:])
        for group in range(GROUPS):
            inner = body
            for block in range(BLOCKS):
                inner = self._block(inner, orders, f"layers.{group}.residual_group.blocks.{block}")
            body = body + _last(self._convolve(_first(inner), f"layers.{group}.conv"))
        body = _first(self._norm(body, "norm"))
        joined = self._convolve(body, "conv_after_body") + start
        fine = nnf.pixel_shuffle(self._convolve(joined, "upsample.0"), FACTOR)
        return cast("NDArray[np.float32]", fine.numpy())

    def _block(self, pixels: Tensor, orders: Tensor, name: str) -> Tensor:
        """(y, x, feature) to the same: what is read along the orders, then a gate."""
        read = self._read(self._norm(pixels, f"{name}.ln_1"), orders, f"{name}.self_attention")
        found = pixels * self.tensors[f"{name}.skip_scale"] + read
        gate = torch.sigmoid(self._norm(found, f"{name}.ln_2")) - 0.5
        return found * self.tensors[f"{name}.skip_scale2"] + gate

    def _read(self, pixels: Tensor, orders: Tensor, name: str) -> Tensor:
        """The state-space model along the four orders, their results added."""
        weights = self.tensors
        inside, gate = nnf.linear(pixels, weights[f"{name}.in_proj.weight"]).chunk(2, dim=-1)
        seen = nnf.silu(self._convolve(_first(inside), f"{name}.conv2d", groups=INNER))
        given = _last(seen).reshape(-1, INNER)[orders]
        told = given @ weights[f"{name}.x_proj_weight"].mT
        rank, into, out = told.split([RANK, STATES, STATES], dim=-1)
        bias = weights[f"{name}.dt_projs_bias"][:, None]
        step = nnf.softplus(rank @ weights[f"{name}.dt_projs_weight"].mT + bias)
        decay = -torch.exp(weights[f"{name}.A_logs"]).view(ORDERS, INNER, STATES)
        made = selective_scan(given, step, decay, into, out)
        made += weights[f"{name}.Ds"].view(ORDERS, 1, INNER) * given
        total = torch.zeros_like(made[0])
        for order, one in zip(orders, made, strict=True):
            total[order] += one
        read = self._norm(total.view_as(inside), f"{name}.out_norm") * nnf.silu(gate)
        return nnf.linear(read, weights[f"{name}.out_proj.weight"])

    def _convolve(self, image: Tensor, name: str, groups: int = 1) -> Tensor:
        weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
        return nnf.conv2d(image[None], weight, bias, padding=1, groups=groups)[0]

    def _norm(self, values: Tensor, name: str) -> Tensor:
        weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
        return nnf.layer_norm(values, weight.shape, weight, bias)


def _first(pixels: Tensor) -> Tensor:
    return pixels.permute(2, 0, 1)


def _last(image: Tensor) -> Tensor:
    return image.permute(1, 2, 0)


def scan_orders(rows: int, columns: int) -> Tensor:
    """Numbers of the pixels, row by row, in the four orders: (4, rows · columns)."""
    numbers = torch.arange(rows * columns)
    ways = torch.stack([numbers, numbers.view(rows, columns).T.flatten()])
    return torch.cat([ways, ways.flip(1)])


def selective_scan(given: Tensor, step: Tensor, decay: Tensor, into: Tensor, out: Tensor) -> Tensor:
    """Run state-space models whose coefficients depend on what they are given.

    A state s of each feature follows ``s(t) = exp(step(t) · decay) · s(t - 1) + step(t) ·
    into(t) · given(t)`` from zero; the result is ``out(t) · s(t)``, summed over the states.
    Gu and Dao (2023), "Mamba: Linear-Time Sequence Modeling with Selective State Spaces".

    Parameters
    ----------
    given, step
        (model, time, feature).
    decay
        (model, feature, state), negative.
    into, out
        (model, time, state).

    Returns
    -------
    torch.Tensor
        (model, time, feature).
    """
    made = torch.empty_like(given)
    state = torch.zeros_like(decay)
    for start in range(0, given.shape[1], _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        now = step[:, part].transpose(0, 1)
        kept = (now[..., None] * decay).exp_()
        pushed = now * given[:, part].transpose(0, 1)
        states = pushed[..., None] * into[:, part].transpose(0, 1)[:, :, None]
        for keep, new in zip(kept.unbind(), states.unbind(), strict=True):
            state = new.addcmul_(keep, state)
        read = states @ out[:, part].transpose(0, 1)[..., None]
        made[:, part] = read[..., 0].transpose(0, 1)
    return made
