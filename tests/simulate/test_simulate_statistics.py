import numpy as np
import pytest

from bocage.legend import OUTSIDE, load_legend
from bocage.simulate._statistics import (
    adjacency,
    border_density,
    change_matrix,
    class_areas,
    patches,
    similarity,
    without_small,
)


def board():
    """A square of 1 with a square of 2 in its middle and one of 3 at its edge."""
    classes = np.ones((40, 40), np.uint8)
    classes[10:20, 10:30] = 2
    classes[30:40, 0:10] = 3
    return classes


def test_areas_count_hectares():
    areas = class_areas(board(), step=10)
    assert areas[[1, 2, 3]].tolist() == pytest.approx([13.0, 2.0, 1.0])
    assert areas.sum() == pytest.approx(16.0)


def test_patches_have_their_area_border_and_shape():
    found = patches(board(), step=10)
    by_class = {int(v): i for i, v in enumerate(found.value)}
    inner = by_class[2]
    assert found.area_ha[inner] == pytest.approx(2.0)
    assert found.perimeter_m[inner] == pytest.approx(600.0)
    assert found.shape_index[inner] == pytest.approx(600 / (2 * np.sqrt(np.pi * 20000)))
    # The border of the hole belongs to the patch around it.
    assert found.perimeter_m[by_class[1]] == pytest.approx(1600 + 600)


def test_only_patches_inside_are_whole():
    found = patches(board())
    whole = dict(zip(found.value.tolist(), found.whole.tolist(), strict=True))
    assert whole == {1: False, 2: True, 3: False}


def test_patches_of_one_class_are_apart_across_corners():
    classes = np.array([[2, 1], [1, 2]], np.uint8)
    assert len(patches(classes).value) == 4


def test_outside_is_no_patch():
    classes = np.full((5, 5), OUTSIDE, np.uint8)
    assert len(patches(classes).value) == 0
    classes[2, 2] = 4
    found = patches(classes)
    assert found.value.tolist() == [4]
    assert not found.whole[0]


def test_small_patches_go_to_their_neighbour():
    classes = board()
    classes[2, 2] = 7
    classes[35, 35] = OUTSIDE
    merged = without_small(classes, mmu_ha=0.5, step=10)
    assert merged[2, 2] == 1
    assert merged[35, 35] == OUTSIDE
    assert (merged == 2).sum() == 200
    assert (without_small(classes, mmu_ha=2.5, step=10) == 2).sum() == 0


def test_adjacency_is_the_share_of_border():
    shares = adjacency(board())
    # 60 edges around the inner square, 20 along the one at the corner.
    assert shares[1, 2] == pytest.approx(0.75)
    assert shares[3, 1] == pytest.approx(0.25)
    assert np.triu(shares).sum() == pytest.approx(1.0)
    assert not np.diag(shares).any()


def test_borders_of_the_outside_do_not_count():
    classes = board()
    classes[classes == 3] = OUTSIDE
    shares = adjacency(classes)
    assert shares[1, 2] == pytest.approx(1.0)
    assert border_density(classes, step=10) == pytest.approx(600 / 15)


def test_similarity_of_distributions():
    one = np.array([2.0, 2.0, 0.0])
    assert similarity(one, 5 * one) == pytest.approx(1.0)
    assert similarity(one, np.array([0.0, 1.0, 1.0])) == pytest.approx(0.5)
    assert similarity(one, np.array([0.0, 0.0, 3.0])) == 0.0
    assert similarity(one, np.zeros(3)) == 0.0


def test_change_matrix_counts_what_is_inside():
    before, after = board(), board()
    after[10:20, 10:20] = 3
    inside = np.ones(before.shape, bool)
    inside[10:15] = False
    areas = change_matrix(before, after, inside, step=10)
    assert areas[2, 3] == pytest.approx(0.5)
    assert areas[2, 2] == pytest.approx(0.5)
    assert areas.sum() == pytest.approx(inside.sum() / 100)


@pytest.mark.real
def test_a_real_layer_respects_its_mapping_unit(real_data):
    import rasterio

    legend = load_legend("pa")
    path = real_data / "clms_n2k_cz" / "n2k_cz_cluster2_maes4_2012_2m5.tif"
    with rasterio.open(path) as source:
        codes = source.read(1)
    values, inverse = np.unique(codes, return_inverse=True)
    classes = np.where(values == 0, OUTSIDE, np.arange(len(values))).astype(np.uint8)
    found = patches(classes[inverse].reshape(codes.shape))
    assert len(values) - 1 <= len(legend)
    assert found.area_ha.sum() == pytest.approx(2048, rel=0.01)
    # Hardly any whole patch is below 0.5 ha; drawing at 2.5 m may cut a few.
    assert (found.area_ha[found.whole] < 0.45).mean() < 0.1
