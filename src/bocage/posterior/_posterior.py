"""The posterior of a raster, packed to a few bytes a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from bocage.errors import InputError
from bocage.legend import OUTSIDE, UNCLASSIFIED, Legend
from bocage.posterior._pack import pack
from bocage.rasters import crop

DEFAULT_K = 4
"""Classes kept a pixel."""

NO_CONFIDENCE = 255
"""Confidence of a pixel whose class is not known."""

_FULL = 255.0


@dataclass(frozen=True, eq=False)
class Posterior:
    """The likeliest classes of every pixel and their probabilities.

    What is left of a pixel's probability beyond its listed classes is spread evenly over all
    other classes of the legend. Leaf probabilities are the only thing stored: those of higher
    levels are their sums, so levels never contradict each other.

    Attributes
    ----------
    data
        ``index`` uint8 (k, y, x), class index by falling probability (0: no class), and
        ``probability`` uint8 (k, y, x) in units of 1/255; where a classifier can tell it,
        ``epistemic`` uint8 (y, x), the share of the entropy that comes from what the labels did
        not teach, in units of 1/255. Attributes ``legend`` (its id) and ``codes`` (its leaf codes
        in the order of the class index).
    """

    data: xr.Dataset

    def __post_init__(self) -> None:
        _validate(self.data)

    @classmethod
    def from_probabilities(
        cls,
        probability: NDArray[np.floating],
        where: GeoBox | Mapping[Any, Any],
        legend: Legend,
        k: int = DEFAULT_K,
    ) -> Self:
        """Keep the `k` likeliest classes of each pixel.

        Parameters
        ----------
        probability
            Shape (class, y, x), classes in the order of the legend; each pixel is scaled to
            add up to 1. Where all classes are NaN or 0 the pixel is unclassified.
        where
            Pixel grid, or the coordinates of dims y and x.
        legend
            Legend of the classes.
        k
            Number of classes to keep; fewer when the legend is smaller.

        Raises
        ------
        InputError
            If the first axis does not have the classes of the legend.
        """
        if probability.ndim != 3 or probability.shape[0] != len(legend):
            raise InputError(
                f"probabilities of shape {probability.shape} do not fit the {len(legend)} classes "
                f"of the legend '{legend.id}'",
                remedy="give an array of shape (class, y, x)",
            )
        index, packed = pack(np.asarray(probability, np.float32), min(k, len(legend)))
        return cls.from_packed(index, packed, where, legend.id, legend.codes())

    @classmethod
    def from_packed(
        cls,
        index: NDArray[np.uint8],
        probability: NDArray[np.uint8],
        where: GeoBox | Mapping[Any, Any],
        legend_id: str,
        codes: tuple[int, ...],
        *,
        epistemic: NDArray[np.uint8] | None = None,
    ) -> Self:
        """Wrap arrays that are packed already (see `Posterior`)."""
        coords = xr_coords(where) if isinstance(where, GeoBox) else dict(where)
        dims = ("k", "y", "x")
        made: dict[str, Any] = {"index": (dims, index), "probability": (dims, probability)}
        if epistemic is not None:
            made["epistemic"] = (dims[1:], epistemic)
        attrs = {"legend": legend_id, "codes": np.asarray(codes, np.int32)}
        return cls(xr.Dataset(made, coords=coords, attrs=attrs))

    @property
    def legend_id(self) -> str:
        """Id of the legend."""
        return str(self.data.attrs["legend"])

    @property
    def codes(self) -> tuple[int, ...]:
        """Leaf codes in the order of the class index."""
        return tuple(int(c) for c in np.atleast_1d(self.data.attrs["codes"]))

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.codes)

    @property
    def k(self) -> int:
        """Number of classes kept a pixel."""
        return int(self.data.sizes["k"])

    @property
    def best(self) -> xr.DataArray:
        """Class index of the likeliest class, uint8 (y, x), 0 where it is not known."""
        return self.data["index"].isel(k=0).rename("class")

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there is a class at all, shape (y, x)."""
        found: NDArray[np.bool_] = self.data["index"].values[0] != UNCLASSIFIED
        return found

    @property
    def confidence(self) -> xr.DataArray:
        """Probability of the likeliest class in percent, uint8 (y, x), 255 where unknown."""
        percent = np.rint(100 * self._shares()[0][0])
        percent = np.where(self.known, percent, NO_CONFIDENCE).astype(np.uint8)
        return self._wrap(percent, "confidence")

    def entropy(self) -> xr.DataArray:
        """Shannon entropy over the logarithm of the number of classes, 0 … 1, float32 (y, x).

        NaN where the class is not known.
        """
        shares, rest, others = self._shares()
        each = np.where(others > 0, rest / np.maximum(others, 1), 0)
        total = _plogp(shares).sum(axis=0) + others * _plogp(each)
        scale = np.log(self.classes) if self.classes > 1 else 1.0
        return self._wrap(self._masked(-total / scale), "entropy")

    def epistemic(self) -> xr.DataArray:
        """The part of the entropy that more labels could take away, float32 (y, x), NaN unknown.

        In units of `entropy`; the rest of it lies in the images.

        Raises
        ------
        InputError
            If the classifier could not tell.
        """
        if "epistemic" not in self.data:
            raise InputError(
                "the posterior does not say what its classifier was not taught",
                remedy="make it with the field engine",
            )
        share = self.data["epistemic"].values.astype(np.float32) / _FULL
        return self._wrap(share * self.entropy().values, "epistemic")

    def margin(self) -> xr.DataArray:
        """Probability of the first class minus that of the second, float32 (y, x), NaN unknown."""
        shares, rest, others = self._shares()
        second = np.where(others > 0, rest / np.maximum(others, 1), 0)
        if self.k > 1:
            second = np.maximum(second, shares[1])
        return self._wrap(self._masked(shares[0] - second), "margin")

    def dense(self) -> xr.DataArray:
        """All probabilities, float32 (class, y, x), coordinate ``class`` = class index 1 … n.

        They add up to 1, or are all NaN where the class is not known.
        """
        shares, rest, others = self._shares()
        each = np.where(others > 0, rest / np.maximum(others, 1), 0).astype(np.float32)
        full = np.broadcast_to(each, (self.classes + 1, *each.shape)).copy()
        for listed, share in zip(self.data["index"].values, shares, strict=True):
            # Index 0 gathers what is not listed, in a layer that is cut off below.
            np.put_along_axis(full, listed[None].astype(np.intp), share[None], axis=0)
        full[:, ~self.known] = np.nan
        return self._wrap(full[1:], "probability", **{"class": np.arange(1, self.classes + 1)})

    def sample(
        self, count: int, seed: int = 0, where: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float32]:
        """All probabilities of random pixels whose class is known, float32 (pixel, class).

        Parameters
        ----------
        count
            Number of pixels, at most; none is drawn twice.
        seed
            Of the draw.
        where
            Pixels that may be drawn, bool (y, x); all by default.
        """
        places = np.flatnonzero(self.known if where is None else self.known & where)
        rng = np.random.default_rng(seed)
        chosen = rng.choice(places, min(count, len(places)), replace=False)
        index, share = (
            self.data[name].values.reshape(self.k, -1)[:, chosen][:, None]
            for name in ("index", "probability")
        )
        row = {"y": [0.0], "x": np.arange(len(chosen), dtype=np.float64)}
        alone = self.from_packed(index, share, row, self.legend_id, self.codes)
        found: NDArray[np.float32] = alone.dense().values[:, 0].T
        return found

    def at_level(self, legend: Legend, level: int) -> xr.DataArray:
        """Probabilities of the codes of a level: sums over their leaves.

        Returns
        -------
        xarray.DataArray
            float32 (code, y, x), coordinate ``code`` = the codes of that level in order.

        Raises
        ------
        InputError
            If the legend is not the one of this posterior.
        """
        self.require(legend)
        codes = legend.codes(level)
        parents = [c.codes[level - 1] for c in legend.classes]
        dense = self.dense().values
        sums = np.stack(
            [dense[[i for i, p in enumerate(parents) if p == code]].sum(axis=0) for code in codes]
        )
        return self._wrap(sums.astype(np.float32), "probability", code=np.asarray(codes, np.int32))

    def safe_level(self, legend: Legend, thresholds: Mapping[str, float]) -> xr.DataArray:
        """The deepest level at which a conformal set holds a single class, uint8 (y, x).

        Parameters
        ----------
        legend
            That of the posterior.
        thresholds
            Least probability of a class in the set, by level (``"1"`` …), as
            `bocage.model.map_thresholds` gives them.

        Returns
        -------
        xarray.DataArray
            0 where no level has a single class, 255 where the class is not known.

        Raises
        ------
        InputError
            If the legend is not the one of this posterior.
        """
        self.require(legend)
        shares, index = self._shares()[0], self.data["index"].values
        found = np.zeros(index.shape[1:], np.uint8)
        for level, least in sorted((int(name), value) for name, value in thresholds.items()):
            codes = legend.code_table(level)[index]
            size = np.zeros(found.shape, np.uint8)
            for own in range(self.k):
                same = codes == codes[own]
                # Each class counts where it is listed first.
                counts = (codes[own] > 0) & ~same[:own].any(axis=0)
                size += counts & ((shares * same).sum(axis=0) >= least)
            found[size == 1] = level
        return self._wrap(np.where(self.known, found, np.uint8(NO_CONFIDENCE)), "safe_level")

    def require(self, legend: Legend) -> None:
        """Raise an `InputError` unless this posterior was made with `legend`."""
        if self.legend_id != legend.id or self.codes != legend.codes():
            raise InputError(
                f"the posterior was made with the legend '{self.legend_id}' of {self.classes} "
                f"classes, not with '{legend.id}' of {len(legend)}",
                remedy="use the legend that the model was trained with",
            )

    def crop(self, geobox: GeoBox) -> Self:
        """The part inside a pixel grid that is aligned with this one, such as a block's core.

        Raises
        ------
        InputError
            If the grid reaches outside or is not aligned.
        """
        return type(self)(crop(self.data, geobox))

    def save(self, path: Path | str) -> Path:
        """Write a NetCDF file, see `bocage.posterior.save`."""
        from bocage.posterior._store import save

        return save(self, path)

    @classmethod
    def load(cls, path: Path | str) -> Posterior:
        """Read a NetCDF file, see `bocage.posterior.load`."""
        from bocage.posterior._store import load

        return load(path)

    def _shares(
        self,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
        """Listed probabilities (k, y, x), what is left (y, x), and how many classes share it."""
        packed = self.data["probability"].values.astype(np.float32)
        others = self.classes - (self.data["index"].values != UNCLASSIFIED).sum(axis=0)
        listed = packed.sum(axis=0)
        # With no class left to take it the remainder is rounding: scale it away.
        scale = np.where(others > 0, _FULL, np.maximum(listed, 1)).astype(np.float32)
        rest = np.where(others > 0, (_FULL - listed) / _FULL, 0).astype(np.float32)
        return packed / scale, rest, others.astype(np.int32)

    def _masked(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        return np.where(self.known, values, np.nan).astype(np.float32)

    def _wrap(self, values: NDArray[Any], name: str, **leading: NDArray[Any]) -> xr.DataArray:
        return xr.DataArray(
            values,
            dims=(*leading, "y", "x"),
            coords={**self.data.coords, **leading},
            name=name,
        )


def _plogp(p: NDArray[np.floating]) -> NDArray[np.floating]:
    safe = np.where(p > 0, p, 1)
    return safe * np.log(safe) * (p > 0)


def _validate(data: xr.Dataset) -> None:
    for name in ("index", "probability"):
        if name not in data or data[name].dims != ("k", "y", "x") or data[name].dtype != np.uint8:
            raise InputError(
                f"no posterior: variable '{name}' must be uint8 with dims (k, y, x)",
                remedy="make it with Posterior.from_probabilities",
            )
    if "epistemic" in data:
        share = data["epistemic"]
        if share.dims != ("y", "x") or share.dtype != np.uint8:
            raise InputError(
                "no posterior: variable 'epistemic' must be uint8 with dims (y, x)",
                remedy="make it with bocage.model.predict",
            )
    if "legend" not in data.attrs or "codes" not in data.attrs:
        raise InputError(
            "no posterior: attributes 'legend' and 'codes' are missing",
            remedy="make it with Posterior.from_probabilities",
        )
    classes = np.size(data.attrs["codes"])
    if classes >= OUTSIDE or data.sizes["k"] < 1 or data["index"].values.max(initial=0) > classes:
        raise InputError(
            f"no posterior: class indices do not fit a legend of {classes} classes",
            remedy="make it with Posterior.from_probabilities",
        )
