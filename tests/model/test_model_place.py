"""One model for several regions: told where it is, without a seam."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from model_landscape import SETTINGS

from bocage.errors import InputError
from bocage.legend import Legend
from bocage.model import Classifier, Pixels, concatenate, predict, terrain, train
from bocage.model._place import in_order, layer_names, place_at


def halves(series: xr.Dataset, names: tuple[str, ...] = ("north", "south")) -> xr.DataArray:
    """The first region in the north, the other in the south, a straight line between."""
    y, x = series["y"].values, series["x"].values
    shares = np.array([[1.0, 0.0], [0.0, 1.0]])[:, :, None].repeat(2, axis=2)
    coords = {"layer": [f"region:{name}" for name in names], "y": [y[0], y[-1]], "x": [x[0], x[-1]]}
    return xr.DataArray(shares, dims=("layer", "y", "x"), coords=coords)


def all_of(pixels: Pixels, region: str) -> Pixels:
    return replace(
        pixels, layers=(f"region:{region}",), place=np.ones((len(pixels), 1), np.float32)
    )


@pytest.fixture(scope="module")
def swapped(pixels: Pixels) -> Pixels:
    """The same pixels in another region, in which the first two classes change their names."""
    sets = pixels.sets.copy()
    sets[:, [0, 1]] = sets[:, [1, 0]]
    return all_of(replace(pixels, sets=sets), "south")


@pytest.fixture(scope="module")
def told(pixels: Pixels, swapped: Pixels, legend: Legend) -> Classifier:
    return train(concatenate([all_of(pixels, "north"), swapped]), legend, SETTINGS)


def test_shares_are_interpolated_and_held_beyond(series: xr.Dataset) -> None:
    membership = halves(series)
    y, x = series["y"], series["x"]
    found = place_at(membership, y, x)
    assert found.shape == (2, len(y), len(x))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(found[0, :, 0], np.linspace(1, 0, len(y)), atol=1e-5)
    beyond = place_at(membership, y + 1e6, x)
    np.testing.assert_allclose(beyond[0], 1)


def test_points_and_grids_agree(series: xr.Dataset) -> None:
    membership = halves(series)
    grid = place_at(membership, series["y"], series["x"])
    at = {"y": xr.DataArray(series["y"].values[[3, 70]], dims="at"),
          "x": xr.DataArray(series["x"].values[[8, 9]], dims="at")}  # fmt: skip
    np.testing.assert_allclose(place_at(membership, **at), grid[:, [3, 70], [8, 9]], atol=1e-6)


def test_without_regions_there_are_none(series: xr.Dataset) -> None:
    assert layer_names(None) == ()
    assert place_at(None, series["y"], series["x"]).shape[0] == 0
    assert in_order(np.ones((1, 3), np.float32), ("a",), ()).shape == (0, 3)


def test_regions_are_put_in_the_order_of_the_model() -> None:
    values = np.array([[0.2], [0.8]], np.float32)
    found = in_order(values, ("region:b", "region:a"), ("region:a", "region:b", "region:c"))
    np.testing.assert_allclose(found[:, 0], [0.8, 0.2, 0])


def test_the_region_decides_where_the_classes_differ(
    told: Classifier, pixels: Pixels, series: xr.Dataset
) -> None:
    maps = {}
    for name in ("north", "south"):
        everywhere = halves(series).isel(layer=[0]).assign_coords(layer=[f"region:{name}"]) * 0 + 1
        maps[name] = predict(told, series, place=everywhere).best.values
    other = np.array([0, 2, 1, 3, 4])[maps["north"]]
    assert (other == maps["south"]).mean() > 0.95


def test_order_of_regions_does_not_matter(told: Classifier, series: xr.Dataset) -> None:
    membership = halves(series)
    turned = membership.isel(layer=[1, 0])
    one, two = (predict(told, series, place=m).best for m in (membership, turned))
    xr.testing.assert_identical(one, two)


def test_windows_leave_no_seam(told: Classifier, series: xr.Dataset) -> None:
    membership = halves(series)
    small, whole = (predict(told, series, place=membership, window=w) for w in (8, 64))
    xr.testing.assert_identical(small.data, whole.data)


def test_missing_and_unknown_regions_are_named(told: Classifier, series: xr.Dataset) -> None:
    with pytest.raises(InputError, match="region:north, region:south; given is nothing"):
        predict(told, series)
    with pytest.raises(InputError, match="not region:west"):
        predict(told, series, place=halves(series, ("north", "west")))
    with pytest.raises(InputError, match=r"dims \(y, x\)"):
        predict(told, series, place=halves(series).isel(layer=0, drop=True))


def test_a_model_without_regions_takes_no_notice(model: Classifier, series: xr.Dataset) -> None:
    plain, given = (predict(model, series, place=m) for m in (None, halves(series)))
    xr.testing.assert_identical(plain.data, given.data)


def test_blocks_of_several_regions_are_put_together(pixels: Pixels, swapped: Pixels) -> None:
    both = concatenate([swapped, all_of(pixels, "north")])
    assert both.layers == ("region:north", "region:south")
    np.testing.assert_array_equal(both.place[: len(swapped)], [[0, 1]] * len(swapped))
    np.testing.assert_array_equal(both.place[len(swapped) :], [[1, 0]] * len(pixels))


def test_terrain_by_hand() -> None:
    """A plane that rises 0.1 m a metre to the east and falls 0.2 to the north."""
    y, x = np.arange(50.0, 0, -10), np.arange(0.0, 60, 10)
    heights = xr.DataArray(0.1 * x - 0.2 * y[:, None] + 7, {"y": y, "x": x}, ("y", "x"))
    found = terrain(heights)
    assert found.dims == ("layer", "y", "x")
    steep = np.hypot(0.1, 0.2)
    flat = {name: found.sel(layer=name).values for name in found["layer"].values}
    np.testing.assert_allclose(flat["elevation"], heights.values, rtol=1e-6)
    np.testing.assert_allclose(flat["slope"], np.degrees(np.arctan(steep)), rtol=1e-5)
    np.testing.assert_allclose(flat["eastness"], -0.1 / np.sqrt(1 + steep**2), rtol=1e-5)
    np.testing.assert_allclose(flat["northness"], 0.2 / np.sqrt(1 + steep**2), rtol=1e-5)


def test_layers_of_the_terrain_must_be_there(pixels: Pixels, series: xr.Dataset) -> None:
    layers, place = ("elevation",), np.ones((len(pixels), 1), np.float32)
    high = replace(pixels, layers=layers, place=place)
    with pytest.raises(InputError, match="know nothing of elevation"):
        concatenate([high, pixels])
    with pytest.raises(InputError, match="given is region:north"):
        in_order(np.ones((1, 2), np.float32), ("region:north",), ("elevation",))


def test_heights_can_decide(pixels: Pixels, swapped: Pixels, legend: Legend) -> None:
    """The same spectra are one class below and another above."""
    below, above = (
        replace(p, layers=("elevation",), place=np.full((len(p), 1), v, np.float32))
        for p, v in ((pixels, 300.0), (swapped, 1800.0))
    )
    model = train(concatenate([below, above]), legend, SETTINGS)
    assert model.facts.metrics["calibration"]["oa"] > 0.9
