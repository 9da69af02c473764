"""Labels that depend on ancillary layers: rules as rows of a crosswalk."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.grid import geobox
from bocage.legend import Condition, load_crosswalk
from bocage.rasters import wrap, write_geotiff
from bocage.samples import SamplingRules, Source, draw_samples, label_raster, read_layers
from bocage.samples._conditions import narrowed

W, S = 4_000_000, 3_000_000
BOX = geobox((W, S, W + 20, S + 10), 2.5)  # 8 x 4 pixels
N = np.nan


def raster(path, values, resolution=10, **options):
    data = np.asarray(values)
    h, w = data.shape
    return write_geotiff(
        path, wrap(data, geobox((W, S, W + resolution * w, S + resolution * h), resolution)),
        **options,
    )  # fmt: skip


def row(labels, y=0):
    """Sets of a row of pixels, "-" without a label."""
    return [";".join(map(str, (((), *labels.sets)[i]))) or "-" for i in labels.ids[y].tolist()]


@pytest.fixture
def source(tmp_path, legend):
    """A source of one value, 1, whose crosswalk is given as rows."""

    def make(*rows, values=((1, 1),)):
        text = "\n".join(["source_code,code,layer,least,most", *rows, ""])
        (tmp_path / "cw.csv").write_text(text)
        path = raster(tmp_path / "source.tif", np.array(values, np.uint8), nodata=255)
        return Source(path, load_crosswalk(tmp_path / "cw.csv", legend))

    return make


def layer(*values):
    """A layer whose rows are all the same, a value a pixel."""
    return np.tile(np.array(values, np.float32), (4, 1))


def test_a_newer_layer_relabels(source, legend):
    """Old grass is rock where the newer layer says 1 to 8, and grass where it says 0."""
    made = source("1,101,crops,,1", "1,202,crops,1,9")
    found = label_raster(made, BOX, legend, {"crops": layer(0, 0, 1, 5, 8, 9, N, 0)})
    # 9 is neither; where the layer has no value it says nothing, and both classes stay.
    assert row(found) == ["101", "101", "202", "202", "202", "-", "101;202", "101"]
    assert found.ids.dtype == np.uint16
    assert set(found.sets) == {(101,), (202,), (101, 202)}


def test_a_class_above_a_height_only(source, legend):
    made = source("1,101,height,1800,", "2,101,,,", values=((1, 2),))
    found = label_raster(made, BOX, legend, {"height": layer(*[1799, 1800, 2000, N] * 2)})
    assert row(found) == ["-", "101", "101", "101", "101", "101", "101", "101"]


def test_all_rows_of_a_pair_must_hold(source, legend):
    made = source("1,102,height,5,", "1,102,cover,50,", "1,101,,,")
    layers = {"height": layer(4, 4, 6, 6, 6, 6, N, N), "cover": layer(90, 9, 90, 9, N, 50, 9, N)}
    found = label_raster(made, BOX, legend, layers)
    both = "101;102"
    assert row(found) == ["101", "101", both, "101", both, both, "101", both]


def test_a_code_of_an_upper_level_shares_the_condition(source, legend):
    made = source("1,10,crops,,1", "1,20,crops,1,")
    found = label_raster(made, BOX, legend, {"crops": layer(0, 0, 0, 0, 7, 7, 7, 7)})
    assert row(found) == ["101;102"] * 4 + ["201;202"] * 4


def test_a_layer_that_is_not_given_says_nothing(source, legend):
    made = source("1,101,crops,,1", "1,202,crops,1,9")
    assert row(label_raster(made, BOX, legend)) == ["101;202"] * 8
    assert row(label_raster(made, BOX, legend, {"height": layer(*range(8))})) == ["101;202"] * 8


def test_a_class_that_is_left_out_has_no_label(source, legend):
    made = source("1,0,,,", "2,102,,,", values=((1, 2),))
    found = label_raster(made, BOX, legend)
    assert row(found) == ["-"] * 4 + ["102"] * 4
    assert found.sets == ((102,),)


def test_polygons_are_conditioned_as_well(polygons, tmp_path, legend):
    (tmp_path / "cw.csv").write_text("source_code,code,layer,least,most\ntall,102,height,5,\n")
    path = polygons([(1, 0, 0, 20, 10)], kind=["tall"])
    made = Source(path, load_crosswalk(tmp_path / "cw.csv", legend), field="kind")
    found = label_raster(made, BOX, legend, {"height": layer(4, 4, 4, 4, 5, 5, 5, 5)})
    assert row(found) == ["-"] * 4 + ["102"] * 4


def test_a_layer_of_another_shape_is_named(source, legend):
    with pytest.raises(InputError, match="'crops' has the shape"):
        label_raster(source("1,101,crops,,1"), BOX, legend, {"crops": np.zeros((2, 2))})


def test_layers_are_read_by_nearest_neighbour(tmp_path):
    paths = {
        "codes": raster(tmp_path / "codes.tif", np.array([[3, 255]], np.uint8), nodata=255),
        "short": raster(tmp_path / "short.tif", np.array([[7.5]], np.float32)),
        "unused": tmp_path / "none.tif",
    }
    found = read_layers(paths, ["short", "codes", "codes", "not given"], BOX)
    assert list(found) == ["codes", "short"]
    np.testing.assert_array_equal(found["codes"], layer(*[3] * 4, *[N] * 4))
    # Outside its file a layer has no value, even without a nodata value.
    np.testing.assert_array_equal(found["short"], layer(*[7.5] * 4, *[N] * 4))
    assert {values.dtype.name for values in found.values()} == {"float32"}
    with pytest.raises(InputError, match="samples layer 'unused': no such file"):
        read_layers(paths, ["unused"], BOX)


LEAVES = (1, 2, 3)
LIMIT = st.sampled_from([-np.inf, 0.0, 1.0, 2.0, np.inf])


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(LEAVES),
        st.lists(st.builds(Condition, st.sampled_from("ab"), LIMIT, LIMIT), max_size=3).map(tuple),
    ),
    st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, 2.0, N])] * 2), min_size=1, max_size=12),
)
def test_each_pixel_keeps_the_leaves_whose_conditions_hold(conditions, pixels):
    values = {
        name: np.array([p[i] for p in pixels], np.float32)[None] for i, name in enumerate("ab")
    }
    at = np.arange(len(pixels))
    found = {}
    for left, here in narrowed(LEAVES, conditions, values, at):
        assert not found.keys() & set(here.tolist())
        found.update(dict.fromkeys(here.tolist(), left))
    for position, pixel in enumerate(pixels):
        own = dict(zip("ab", pixel, strict=True))
        assert found[position] == tuple(
            leaf
            for leaf in LEAVES
            if not any(
                own[c.layer] < c.least or own[c.layer] >= c.most for c in conditions.get(leaf, ())
            )
        )


def test_samples_are_drawn_where_the_conditions_hold(polygons, tmp_path, block, legend):
    """One old class: grass in the low west of the block, forest in the high east."""
    (tmp_path / "cw.csv").write_text(
        "source_code,code,layer,least,most\n1,101,height,,500\n1,102,height,500,\n"
    )
    crosswalk = load_crosswalk(tmp_path / "cw.csv", legend)
    made = Source(polygons([(1, -500, -500, 1500, 1500)]), crosswalk, 3, "code")
    heights = np.full((132, 132), 100, np.int16)
    heights[:, 16 + 50 :] = 900
    bounds = (W - 160, S - 160, W + 1160, S + 1160)
    path = write_geotiff(tmp_path / "heights.tif", wrap(heights, geobox(bounds, 10)))

    def draw(rules=None, **layers):
        return draw_samples(
            [made], block, block.box(), legend, rules or SamplingRules(),
            region="alpine", seed=1, layers=layers,
        )  # fmt: skip

    found = draw(height=path)
    assert set(found["code"]) == {101, 102}
    assert ((found["code"] == 101) == (found.geometry.x < W + 500)).all()
    assert (np.abs(found.geometry.x - (W + 500)) > 5).all()
    assert set(draw()["allowed"]) == {"101;102"}
    cubes = found.groupby("code")["cube"].nunique()
    assert cubes.to_dict() == {101: 10, 102: 10}
    # Forest is enriched: 12 cubes in each of the two eastern cells, where there were 5.
    rich = draw(replace(SamplingRules(), enrich={102: 12}), height=path)
    assert rich.groupby("code")["cube"].nunique().to_dict() == {101: 10, 102: 24}
    # A set of several leaves is rich only if all of them are.
    counts = [
        draw(SamplingRules(enrich=enrich))["cube"].nunique()
        for enrich in ({102: 12}, {101: 7, 102: 12})
    ]
    assert counts == [4 * 5, 4 * 7]
