"""The field network: season by attention at 10 m, surroundings by a small U, map at 2.5 m.

Imported only where torch is there (training); prediction runs the exported graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from bocage.grid import GRID_RATIO
from bocage.model._season import harmonics

HEADS = 16
GROUPS = 4
WINDOWS = 12
HARMONICS = 6
_SUB = GRID_RATIO * GRID_RATIO
_SHARPNESS = 20.0  # a month off weighs 7 %, two months off nothing
_HIDDEN = -1e4  # exp gives exactly 0 in single precision


@dataclass(frozen=True)
class Sizes:
    """Sizes of a network: bands (the first `guides` guide the fine map), classes, channels."""

    bands: int
    guides: int
    classes: int
    width: int = 64
    context: int = 96
    detail: int = 24
    guidance: int = 16
    hidden: int = 48
    dropout: float = 0.1


class Block(nn.Module):
    """Depthwise 5 × 5 and two 1 × 1 convolutions, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depth = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.wide = nn.Conv2d(channels, 2 * channels, 1)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Mix (b, channel, y, x)."""
        mixed: Tensor = self.narrow(F.relu(self.wide(self.norm(self.depth(x)))))
        return x + mixed


class Mixer(nn.Module):
    """Context at 10, 20 and 40 m."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(channels) for _ in range(4))
        self.down = nn.ModuleList(nn.Conv2d(channels, channels, 2, stride=2) for _ in range(2))
        # Zero at first: the surroundings start as no opinion on what the pixel says.
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Mix (b, channel, y, x); y and x are multiples of 4."""
        at10 = self.blocks[0](x)
        at20 = self.blocks[1](self.down[0](at10))
        at40 = self.blocks[2](self.down[1](at20))
        at20 = at20 + _double(at40)
        mixed: Tensor = self.out(self.blocks[3](at10 + _double(at20)))
        return mixed


class FieldNet(nn.Module):
    """Logits at 2.5 m of standardised series whose 16 sub-pixels a band are channels at 10 m.

    Parameters
    ----------
    sizes
        Sizes of the network.
    present
        bool (class,); the others get a logit no softmax ever sees.
    """

    present: Tensor
    temperature: Tensor
    twelfths: Tensor

    def __init__(self, sizes: Sizes, present: Sequence[bool]) -> None:
        super().__init__()
        self.sizes = sizes
        width, context = sizes.width, sizes.context
        self.embed = nn.Linear(sizes.bands * _SUB, width)
        self.month = nn.Linear(HARMONICS, width)
        self.date = nn.Conv2d(width, width, 1)
        self.score = nn.Conv2d(width, HEADS, 1)
        self.pool = nn.Conv2d(width + WINDOWS * sizes.bands, 2 * context, 1)
        self.squeeze = nn.Conv2d(2 * context, context, 1)
        self.drop = nn.Dropout2d(sizes.dropout)
        self.mixer = Mixer(context)
        self.shuffled = nn.Conv2d(context, sizes.detail * _SUB, 1)
        self.smooth = nn.Conv2d(context, sizes.detail, 1)
        self.guide = nn.Conv2d(sizes.guides * GROUPS, sizes.guidance, 1)
        self.near = nn.Conv2d(2 * sizes.detail + sizes.guidance, sizes.hidden, 3, padding=1)
        self.last = nn.Conv2d(sizes.hidden, sizes.classes, 1)
        self.register_buffer("present", torch.tensor(list(present), dtype=torch.bool))
        self.register_buffer("temperature", torch.ones(()))
        twelfths = torch.from_numpy(_SHARPNESS * harmonics(range(1, WINDOWS + 1))[:, :2].T)
        self.register_buffer("twelfths", twelfths)
        self.surroundings = True

    def fine(self, series: Tensor, observed: Tensor, season: Tensor) -> Tensor:
        """Features at 2.5 m.

        Parameters
        ----------
        series
            (b, month, band × 16, y, x), standardised, 0 where nothing was seen.
        observed
            (b, month, y, x), 1 where seen, else 0.
        season
            (month, harmonic), see `bocage.model._season.harmonics`.
        """
        batch, months, _, height, columns = series.shape
        month = self.month(season)[None, :, :, None, None]
        # As a matrix product on the left: no copy of the large input into another layout.
        first = torch.matmul(self.embed.weight, series.flatten(3)) + self.embed.bias[:, None]
        first = first.unflatten(3, (height, columns)) + month
        dates = F.relu(self.date(F.relu(first).flatten(0, 1)))
        score = self.score(dates).unflatten(0, (batch, months))
        attention = torch.softmax(score + (observed[:, :, None] - 1) * -_HIDDEN, dim=1)
        # A pixel that was never seen says nothing, instead of the mean of nothing.
        attention = attention * observed[:, :, None]
        heads = dates.unflatten(0, (batch, months)).unflatten(2, (HEADS, -1))
        pooled = (heads * attention[:, :, :, None]).sum(1).flatten(1, 2)
        windows = self._windows(series, observed, season)
        pixel = F.relu(self.pool(torch.cat([pooled, windows], dim=1)))
        pixel = F.relu(self.squeeze(self.drop(pixel)))
        feature = pixel + self.mixer(pixel) if self.surroundings else pixel
        shuffled = F.pixel_shuffle(self.shuffled(feature), GRID_RATIO)
        smooth = F.interpolate(
            self.smooth(feature), scale_factor=GRID_RATIO, mode="bilinear", align_corners=False
        )
        guide = self.guide(self._guides(series, attention))
        return torch.cat([shuffled, smooth, guide], dim=1)

    def _windows(self, series: Tensor, observed: Tensor, season: Tensor) -> Tensor:
        """Each band around each twelfth of the year: what gap filling gives, (b, 12 × band, y, x).

        The weights of the months fall off with their distance in time; where the month itself
        was not seen its neighbours stand in.
        """
        height, columns = series.shape[-2:]
        means = series.unflatten(2, (-1, _SUB)).mean(3).flatten(3)
        near = (season[:, :2] @ self.twelfths)[None, :, :, None]
        near = near + (observed.flatten(2)[:, :, None] - 1) * -_HIDDEN
        weight = torch.softmax(near, dim=1) * observed.flatten(2)[:, :, None]
        sums = [(weight * means[:, :, b : b + 1]).sum(1) for b in range(self.sizes.bands)]
        found: Tensor = torch.cat(sums, dim=1).unflatten(2, (height, columns))
        return found

    def _guides(self, series: Tensor, attention: Tensor) -> Tensor:
        """Means of the finest bands over the months that groups of heads look at, at 2.5 m."""
        finest = series[:, :, : self.sizes.guides * _SUB]
        looks = attention.unflatten(2, (GROUPS, HEADS // GROUPS)).mean(3)
        means = [(finest * looks[:, :, g : g + 1]).sum(1) for g in range(GROUPS)]
        return F.pixel_shuffle(torch.cat(means, dim=1), GRID_RATIO)

    def forward(self, series: Tensor, observed: Tensor, season: Tensor) -> Tensor:
        """Calibrated logits (b, class, 4 y, 4 x); arguments as `fine`."""
        logits = self.last(F.relu(self.near(self.fine(series, observed, season))))
        return torch.where(self.present[None, :, None, None], logits / self.temperature, _HIDDEN)

    def at_points(
        self,
        series: Tensor,
        observed: Tensor,
        season: Tensor,
        points: tuple[Tensor, Tensor, Tensor],
    ) -> Tensor:
        """Logits (point, class) at a few pixels; the decoder runs nowhere else.

        Parameters
        ----------
        series, observed, season
            As `fine`.
        points
            Chip, row and column (2.5 m pixels), int64 (point,) each.
        """
        chip, row, column = points
        padded = F.pad(self.fine(series, observed, season), (1, 1, 1, 1))
        offset = torch.arange(3, device=row.device)
        rows = (row[:, None, None] + offset[:, None]).expand(-1, 3, 3)
        columns = (column[:, None, None] + offset).expand(-1, 3, 3)
        near = padded.permute(0, 2, 3, 1)[chip[:, None, None], rows, columns]
        around = near.permute(0, 3, 1, 2).flatten(1)
        hidden = F.relu(F.linear(around, self.near.weight.flatten(1), self.near.bias))
        logits = F.linear(hidden, self.last.weight.flatten(1), self.last.bias)
        return torch.where(self.present[None], logits, _HIDDEN)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
