import numpy as np
import pytest

from bocage.accuracy import combine_strata, draw_points, lucas_frame, sample_points, values_at
from bocage.errors import InputError
from bocage.grid import geobox
from bocage.rasters import geobox_of, wrap


def raster(data):
    data = np.asarray(data, dtype=np.uint8)
    h, w = data.shape
    return wrap(data, geobox((4_000_000, 3_000_000, 4_000_000 + 10 * w, 3_000_000 + 10 * h), 10))


@pytest.fixture
def classes():
    data = np.full((40, 50), 1)
    data[:4] = 2
    data[0, :10] = 3
    data[-1] = 255
    data[-2, :5] = 0
    return raster(data)


def test_every_class_gets_its_minimum(classes):
    points = sample_points(classes, 100, seed=1, minimum=8)
    counts = points["stratum"].value_counts()
    assert len(points) == 100
    assert counts[3] >= 8
    assert counts[2] >= 8
    assert counts[1] > 70
    assert set(counts.index) == {1, 2, 3}


def test_points_lie_at_centres_of_their_class(classes):
    points = sample_points(classes, 60, seed=1)
    assert (values_at(points, classes) == points["stratum"]).all()
    assert (points.geometry.x % 10 == 5).all()
    assert not points.geometry.duplicated().any()


def test_weights_add_up_to_the_area(classes):
    points = sample_points(classes, 60, seed=1)
    by_class = points.groupby("stratum")["weight"].sum()
    pixels = np.bincount(classes.values.ravel(), minlength=256)
    for value in (1, 2, 3):
        assert by_class[value] == pytest.approx(pixels[value] * 0.01)


def test_seed_decides(classes):
    first, again, other = (sample_points(classes, 30, seed=s) for s in (5, 5, 6))
    assert first.equals(again)
    assert not first.geometry.equals(other.geometry)


def test_simple_random_and_fewer_points_than_classes(classes):
    for points in (
        sample_points(classes, 50, seed=2, stratified=False),
        sample_points(classes, 2, seed=2),
    ):
        assert points["weight"].nunique() == 1
        assert points["weight"].sum() == pytest.approx((40 * 50 - 50 - 5) * 0.01)


def test_unclassified_pixels_on_request(classes):
    points = sample_points(classes, 40, seed=2, exclude=(255,))
    assert 0 in set(points["stratum"])


def test_no_more_points_than_pixels():
    points = sample_points(raster([[1, 2, 2]]), 50, seed=0)
    assert len(points) == 3


def test_wrong_input_is_named():
    with pytest.raises(InputError, match="5 points wanted from 0 pixels"):
        sample_points(raster(np.full((2, 2), 255)), 5, seed=0)
    with pytest.raises(InputError, match="0 points wanted"):
        sample_points(raster([[1]]), 0, seed=0)


def test_strata_of_class_change_and_region():
    first = raster([[1, 1, 2, 2], [1, 1, 2, 0], [1, 1, 255, 2]])
    changed = raster([[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    region = first.astype("int16").copy(data=[[5, 5, 6, 6], [5, 5, 6, 6], [-1, 5, 6, 6]])
    strata, table = combine_strata({"class": first, "change": changed, "region": region})
    assert table[["class", "change", "region"]].to_numpy().tolist() == [
        [1, 0, 5], [1, 1, 5], [2, 0, 6],
    ]  # fmt: skip
    assert table["pixels"].tolist() == [4, 1, 4]
    assert table["area_ha"].tolist() == pytest.approx([0.04, 0.01, 0.04])
    assert strata.values.tolist() == [[1, 2, 3, 3], [1, 1, 3, 0], [0, 1, 0, 3]]


def test_random_points_in_strata_of_any_kind():
    strata, table = combine_strata({"class": raster(np.repeat([[1], [2]], 50, axis=1))})
    points = draw_points(strata, {1: 5, 2: 20}, seed=3)
    assert points["stratum"].value_counts().to_dict() == {1: 5, 2: 20}
    assert points.groupby("stratum")["weight"].sum().tolist() == pytest.approx(
        table["area_ha"].tolist()
    )


def lowland():
    """12 x 8 km at 100 m, a quarter of it class 2, in the corner of a LUCAS frame."""
    data = np.ones((80, 120), dtype=np.uint8)
    data[:40, :60] = 2
    return wrap(data, geobox((4_000_000, 3_000_000, 4_012_000, 3_008_000), 100))


def test_the_lucas_frame_lies_on_multiples_of_two_kilometres():
    frame = lucas_frame(geobox_of(lowland()))
    # Pixels hold their western and northern border: 6 columns, 4 rows below the top one.
    assert len(frame) == 24
    assert (frame.geometry.x % 2000 == 0).all()
    assert (frame.geometry.y % 2000 == 0).all()
    assert frame["point_id"][0] == "40003008"
    assert frame["place"][0] == 0
    assert set(frame.geometry) <= set(lucas_frame(geobox_of(lowland()), 500).geometry)
    assert lucas_frame(geobox_of(lowland()), 500)["point_id"][1] == "40005003008000"
    south = lucas_frame(geobox((1_600_000, 940_000, 1_601_000, 941_000), 100), 1000)
    assert south["point_id"].tolist() == ["16000941"]


def test_a_systematic_sample_is_spread_over_its_stratum():
    classes = lowland()
    strata, table = combine_strata({"class": classes})
    points = draw_points(strata, {1: 12, 2: 6}, seed=1, design="systematic", step_m=500)
    assert points["stratum"].value_counts().to_dict() == {1: 12, 2: 6}
    assert (values_at(points, strata) == points["stratum"]).all()
    assert (points.geometry.x % 500 == 0).all()
    assert points["weight"].sum() == pytest.approx(table["area_ha"].sum())
    # Each 6 x 4 km quarter outside class 2 is a third of class 1: four of the twelve points.
    quarter = (points.geometry.x >= 4_006_000).astype(int) * 2 + (points.geometry.y > 3_004_000)
    assert quarter[points["stratum"] == 1].value_counts().between(3, 5).all()
    again = draw_points(strata, {1: 12, 2: 6}, seed=1, design="systematic", step_m=500)
    assert points.equals(again)


def test_wrong_designs_are_named():
    strata, _ = combine_strata({"class": lowland()})
    with pytest.raises(InputError, match="stratum 2 has 6 points of the frame, 9 are wanted"):
        draw_points(strata, {2: 9}, seed=0, design="systematic")
    with pytest.raises(InputError, match="stratum 2 has 2400 pixels, 9999 points"):
        draw_points(strata, {2: 9999}, seed=0)
    with pytest.raises(InputError, match="no design 'odd'"):
        draw_points(strata, {2: 1}, seed=0, design="odd")
    with pytest.raises(InputError, match="different pixel grids"):
        combine_strata({"class": lowland(), "change": lowland()[:-1]})
    with pytest.raises(InputError, match="no layer"):
        combine_strata({})
    with pytest.raises(InputError, match="no pixel may be sampled"):
        combine_strata({"class": raster([[0, 255]])})


@pytest.mark.parametrize("design", ["random", "systematic"])
def test_a_plan_without_points_is_refused(design):
    with pytest.raises(InputError, match="no stratum gets a point"):
        draw_points(raster([[1, 2]]), {1: 0, 2: 0}, 0, design=design)
