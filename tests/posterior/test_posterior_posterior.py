from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.grid import geobox
from bocage.legend import Legend, LegendClass, load_legend
from bocage.posterior import Posterior, load
from bocage.posterior._pack import _pack, pack

BOX = geobox((4_000_000, 3_000_000, 4_000_005, 3_000_005), 2.5)


def flat(n: int, id: str = "flat") -> Legend:
    return Legend(id, tuple(LegendClass((i,), (f"c{i}",), "#000000") for i in range(10, 10 + n)))


def box(height: int, width: int) -> GeoBox:
    return geobox((0, 0, 2.5 * width, 2.5 * height), 2.5)


def small() -> Posterior:
    p = np.zeros((5, 2, 2), np.float32)
    p[:, 0, 0] = [0.1, 0.6, 0.0, 0.2, 0.1]
    p[:, 0, 1] = [0, 0, 8, 0, 0]  # any scale
    p[:, 1, 0] = np.nan
    p[:, 1, 1] = [0.2] * 5
    return Posterior.from_probabilities(p, BOX, flat(5), k=2)


def test_hand_checked_pixels() -> None:
    post = small()
    assert post.data["index"].values[:, 0, 0].tolist() == [2, 4]
    assert post.data["probability"].values[:, 0, 0].tolist() == [153, 51]
    assert post.best.values.tolist() == [[2, 3], [0, 1]]
    assert post.confidence.values.tolist() == [[60, 100], [255, 20]]
    assert post.margin().values[0].tolist() == pytest.approx([0.4, 1.0])
    assert post.best.odc.geobox == BOX


def test_dense_spreads_the_rest_evenly() -> None:
    dense = small().dense()
    assert dense["class"].values.tolist() == [1, 2, 3, 4, 5]
    assert dense.values[:, 0, 0] == pytest.approx([51 / 765, 0.6, 51 / 765, 0.2, 51 / 765])
    assert dense.values[:, 0, 1] == pytest.approx([0, 0, 1, 0, 0])
    assert np.isnan(dense.values[:, 1, 0]).all()


def test_a_sample_holds_known_pixels_once() -> None:
    post = small()
    every = post.sample(10, seed=3)
    dense = post.dense().values.reshape(5, -1).T
    assert sorted(map(tuple, every)) == sorted(map(tuple, dense[[0, 1, 3]]))
    only = post.sample(10, where=np.array([[False, True], [True, False]]))
    np.testing.assert_array_equal(only, dense[[1]])
    assert post.sample(2, seed=1).shape == (2, 5)
    np.testing.assert_array_equal(post.sample(2, seed=1), post.sample(2, seed=1))


def test_entropy_is_zero_when_sure_and_one_when_even() -> None:
    entropy = small().entropy().values
    assert entropy[0, 1] == 0
    assert entropy[1, 1] == pytest.approx(1, abs=1e-4)
    assert np.isnan(entropy[1, 0])
    assert 0 < entropy[0, 0] < 1


def test_all_classes_kept_when_the_legend_is_small() -> None:
    p = np.array([0.7, 0.3], np.float32).reshape(2, 1, 1)
    post = Posterior.from_probabilities(p, box(1, 1), flat(2), k=4)
    assert post.k == 2
    assert post.dense().values.ravel() == pytest.approx([0.7, 0.3], abs=0.01)
    assert float(post.dense().sum()) == pytest.approx(1)


def test_a_legend_of_one_class_is_certain() -> None:
    post = Posterior.from_probabilities(np.ones((1, 1, 1)), box(1, 1), flat(1))
    assert post.confidence.values.item() == 100
    assert post.entropy().values.item() == 0
    assert post.margin().values.item() == 1


@given(
    st.integers(1, 59),
    st.integers(1, 6),
    st.integers(0, 2**31),
    st.floats(0.05, 20),
)
@settings(max_examples=60, deadline=None)
def test_packing_keeps_order_and_mass(n: int, k: int, seed: int, sharpness: float) -> None:
    rng = np.random.default_rng(seed)
    p = rng.random((n, 3, 4)).astype(np.float32) ** sharpness
    p[:, 0, 0] = 0
    post = Posterior.from_probabilities(p, box(3, 4), flat(n), k=k)
    packed = post.data["probability"].values.astype(int)
    assert (np.diff(packed, axis=0) <= 0).all()
    assert (packed.sum(axis=0) <= 255).all()
    known = post.known
    assert known.sum() == (p.sum(axis=0) > 0).sum()
    assert (post.best.values == np.where(known, p.argmax(axis=0) + 1, 0)).all()
    dense = post.dense().values
    assert dense[:, known].sum(axis=0) == pytest.approx(1, abs=1e-5)
    # No listed probability is further off than rounding allows.
    total = p.sum(axis=0, dtype=float)
    true = p / np.where(total > 0, total, 1)
    for slot in range(post.k):
        listed = post.data["index"].values[slot].astype(int)
        at = np.take_along_axis(true, np.maximum(listed - 1, 0)[None], axis=0)[0]
        off = np.abs(at - packed[slot] / 255)[(listed > 0) & known]
        assert (off <= (0.5 + post.k) / 255 + 1e-6).all()


@given(st.integers(0, 2**31), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_levels_never_contradict(seed: int, k: int) -> None:
    legend = load_legend("pa")
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(len(legend), 0.1), (2, 3)).transpose(2, 0, 1)
    post = Posterior.from_probabilities(p, box(2, 3), legend, k=k)
    fine = post.at_level(legend, legend.levels)
    for level in range(legend.levels - 1, 0, -1):
        coarse = post.at_level(legend, level)
        assert coarse.sum("code").values == pytest.approx(1, abs=1e-5)
        parent = {c.codes[level]: c.codes[level - 1] for c in legend.classes}
        for code in coarse["code"].values:
            children = [c for c in fine["code"].values if parent[int(c)] == code]
            assert fine.sel(code=children).sum("code").values == pytest.approx(
                coarse.sel(code=code).values, abs=1e-5
            )
        fine = coarse


def test_compiled_kernel_equals_python() -> None:
    p = np.random.default_rng(3).random((7, 4, 5)).astype(np.float32)
    p[2, 1, 1] = np.nan
    index, packed = np.zeros((3, 4, 5), np.uint8), np.zeros((3, 4, 5), np.uint8)
    _pack(p, index, packed)
    assert np.array_equal(index, pack(p, 3)[0])
    assert np.array_equal(packed, pack(p, 3)[1])


def test_ties_go_to_the_first_class() -> None:
    post = Posterior.from_probabilities(np.full((4, 1, 1), 0.25), box(1, 1), flat(4), k=2)
    assert post.data["index"].values.ravel().tolist() == [1, 2]


def test_crop() -> None:
    p = np.random.default_rng(0).random((3, 8, 8))
    post = Posterior.from_probabilities(p, box(8, 8), flat(3))
    part = post.crop(geobox((5, 5, 12.5, 10), 2.5))
    assert part.best.shape == (2, 3)
    assert np.array_equal(part.best.values, post.best.values[4:6, 2:5])
    with pytest.raises(InputError, match="do not cover"):
        post.crop(geobox((-5, 5, 12.5, 10), 2.5))


def test_wrong_input_is_named() -> None:
    with pytest.raises(InputError, match=r"\(3, 2, 2\) do not fit the 5 classes"):
        Posterior.from_probabilities(np.ones((3, 2, 2)), BOX, flat(5))
    with pytest.raises(InputError, match="not with 'other'"):
        small().at_level(flat(5, "other"), 1)
    data = small().data
    with pytest.raises(InputError, match="'index' must be uint8"):
        Posterior(data.assign(index=data["index"].astype(int)))
    with pytest.raises(InputError, match="attributes 'legend'"):
        Posterior(data.drop_attrs())
    with pytest.raises(InputError, match="do not fit a legend of 2"):
        Posterior(data.assign_attrs(codes=[1, 2]))


def test_file_round_trip_is_byte_identical(tmp_path) -> None:
    post = small()
    one, two = post.save(tmp_path / "a.nc"), post.save(tmp_path / "b" / "c.nc")
    assert one.read_bytes() == two.read_bytes()
    back = Posterior.load(one)
    assert back.data.equals(post.data)
    assert back.codes == post.codes
    assert back.legend_id == "flat"
    assert back.best.odc.geobox == BOX
    assert back.save(tmp_path / "again.nc").read_bytes() == one.read_bytes()


def test_broken_files_are_named(tmp_path) -> None:
    bad = tmp_path / "bad.nc"
    bad.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"bad\.nc cannot be read as NetCDF"):
        load(bad)
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "none.nc")
    small().data.drop_vars("index").to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"other\.nc: no posterior"):
        load(tmp_path / "other.nc")


def test_safe_levels_are_the_deepest_with_one_class() -> None:
    leaves = ((1, 11), (1, 12), (2, 21), (2, 22))
    nested = Legend("nested", tuple(LegendClass(c, ("", ""), "#000000") for c in leaves))
    p = np.zeros((4, 2, 2), np.float32)
    p[:, 0, 0] = [0.9, 0.1, 0, 0]
    p[:, 0, 1] = [0.5, 0.45, 0.05, 0]
    p[:, 1, 0] = [0.5, 0, 0.5, 0]
    p[:, 1, 1] = np.nan
    post = Posterior.from_probabilities(p, BOX, nested, k=3)
    found = post.safe_level(nested, {"2": 0.3, "1": 0.3})
    assert found.values.tolist() == [[2, 1], [0, 255]]
    assert found.dtype == np.uint8
    # With thresholds that no class reaches there is no set, and with none there is no level.
    assert post.safe_level(nested, {"1": 0.99}).values[0].tolist() == [1, 0]
    assert (post.safe_level(nested, {}).values[post.known] == 0).all()
    with pytest.raises(InputError, match="legend"):
        post.safe_level(flat(4), {"1": 0.3})


def test_the_epistemic_part_is_a_share_of_the_entropy(tmp_path) -> None:
    post = small()
    share = np.array([[51, 255], [255, 102]], np.uint8)
    told = Posterior.from_packed(
        post.data["index"].values,
        post.data["probability"].values,
        BOX,
        "flat",
        post.codes,
        epistemic=share,
    )
    found = told.epistemic().values
    entropy = told.entropy().values
    assert found[0, 0] == pytest.approx(0.2 * entropy[0, 0])
    assert found[0, 1] == 0  # sure of its class: nothing to share
    assert np.isnan(found[1, 0])
    assert found[1, 1] == pytest.approx(0.4)
    assert load(told.save(tmp_path / "p.nc")).data["epistemic"].equals(told.data["epistemic"])
    with pytest.raises(InputError, match="not taught"):
        post.epistemic()
    with pytest.raises(InputError, match="'epistemic' must be uint8"):
        Posterior(told.data.assign(epistemic=told.data["epistemic"].astype(float)))
