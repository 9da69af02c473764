import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocage.errors import InputError
from bocage.superres import Fine10, get_backend
from bocage.superres._fine10 import _shipped
from bocage.superres._graph import Graph, tiles

TEN = "B02 B03 B04 B05 B06 B07 B08 B8A B11 B12"
BANDS = tuple(TEN.split())


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    return (0.2 + 0.1 * rng.random((10, 70, 61))).astype(np.float32)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 40), st.integers(0, 9))
def test_tiles_cover_an_image_once(rows, columns, side, margin):
    count = np.zeros((4 * rows, 4 * columns), int)
    for tile in tiles(rows, columns, side, margin):
        whole = np.zeros((rows, columns))[tile.read].repeat(4, axis=0).repeat(4, axis=1)
        count[tile.write] += 1
        assert whole[tile.keep].shape == count[tile.write].shape
    assert (count == 1).all()


def test_tiles_leave_no_seams(image):
    graph, _ = _shipped(1)
    whole = graph.run(image)
    cut = Graph(graph.data, "cut", margin=graph.margin, tile=24).run(image)
    assert np.abs(cut - whole).max() < 1e-5
    # The test can fail: without a margin there are seams.
    bare = Graph(graph.data, "bare", margin=0, tile=24).run(image)
    assert np.abs(bare - whole).max() > 1e-4


def test_contrast_and_level_do_not_matter(image):
    graph, _ = _shipped(1)
    plain = graph.run(image)
    assert np.allclose(graph.run(3 * image + 0.5), 3 * plain + 0.5, atol=1e-5)


def test_equal_input_gives_equal_output(image):
    first, second = (Fine10().upscale(image, BANDS) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_the_order_of_the_bands_does_not_matter(image):
    turned = Fine10().upscale(np.ascontiguousarray(image[::-1]), BANDS[::-1])
    assert (turned[::-1] == Fine10().upscale(image, BANDS)).all()


def test_bands_that_are_missing_or_unknown_are_said(image):
    net = Fine10()
    assert net.note(BANDS) == ""
    assert net.note(("B02", "B03", "B04", "B08")).startswith("network without B05, B06")
    assert net.note(("B01", *BANDS)) == "linear filter for B01"
    assert net.note(("1", "2")) == "linear filter for 1, 2"
    assert net.note(("B02", "B03")) == "linear filter for B02, B03"
    four = tuple(BANDS[i] for i in (0, 1, 2, 6))
    made = net.upscale(image[[0, 1, 2, 6]], four)
    assert made.shape == (4, 280, 244)
    assert np.isfinite(made).all()
    unknown = net.upscale(image[:2], ("1", "2"))
    assert (unknown == get_backend("lmmse").upscale(image[:2], ("1", "2"))).all()


def test_what_is_no_network_is_named():
    with pytest.raises(InputError, match=r"a\.onnx cannot be run"):
        Graph(b"nothing", "a.onnx", margin=0).metadata()


def test_a_network_with_other_bands_is_named(image):
    graph, _ = _shipped(1)
    with pytest.raises(InputError, match="on 3 bands"):
        graph.run(image[:3])
