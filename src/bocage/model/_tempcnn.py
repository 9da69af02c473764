"""TempCNN: a small convolutional network over the seasons of single pixels. Imports torch.

Pelletier, C., Webb, G. I. and Petitjean, F. (2019). Temporal convolutional neural network for the
classification of satellite image time series. Remote Sens. 11, 523.
"""

from __future__ import annotations

from torch import Tensor, nn

from bocage.model._network import HIDDEN


class TempCNN(nn.Module):
    """Three convolutions over time, one dense layer, and a linear layer to the classes."""

    def __init__(
        self, channels: int, months: int, classes: int, dropout: float, units: int = 64
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in (channels, units, units):
            layers += [
                nn.Conv1d(width, units, 5, padding=2),
                nn.BatchNorm1d(units),
                nn.ReLU(),
                nn.Dropout(dropout),
            ]
        dense = 4 * units
        layers += [
            nn.Flatten(),
            nn.Linear(units * months, dense),
            nn.BatchNorm1d(dense),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(dense, classes),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, series: Tensor) -> Tensor:
        """Logits (pixel, class) of series (pixel, channel, month)."""
        found: Tensor = self.layers(series)
        return found


class RowNet(nn.Module):
    """A TempCNN that takes the months of a pixel in one row, standardised.

    Parameters
    ----------
    months, bands
        Numbers of them.
    present
        bool (class,); the others get a logit no softmax ever sees.
    dropout
        See `TempCNN`.
    """

    present: Tensor

    def __init__(self, months: int, bands: int, present: Tensor, dropout: float) -> None:
        super().__init__()
        self.shape = (months, bands)
        self.net = TempCNN(bands, months, len(present), dropout)
        self.register_buffer("present", present)

    def forward(self, rows: Tensor) -> Tensor:
        """Logits (pixel, class) of rows (pixel, month · band)."""
        series = rows.unflatten(1, self.shape).transpose(1, 2)
        logits: Tensor = self.net(series)
        return logits.masked_fill(~self.present, HIDDEN)


class ReflectanceNet(nn.Module):
    """A trained `RowNet` that takes reflectance and gives calibrated logits.

    Parameters
    ----------
    net
        In evaluation mode, on the CPU.
    mean, deviation
        Of each band.
    temperature
        The logits are divided by it.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, net: RowNet, mean: Tensor, deviation: Tensor, temperature: float) -> None:
        super().__init__()
        self.net, self.temperature = net, temperature
        months = net.shape[0]
        self.register_buffer("mean", mean.repeat(months))
        self.register_buffer("deviation", deviation.repeat(months))

    def forward(self, series: Tensor) -> Tensor:
        """Logits (pixel, class) of reflectance (pixel, month · band)."""
        logits: Tensor = self.net((series - self.mean) / self.deviation) / self.temperature
        return logits
