import numpy as np
import pytest

from bocage.errors import InputError
from bocage.grid import Block
from bocage.rasters import wrap
from bocage.superres import (
    degrade,
    find_cells,
    native_sizes,
    sharpen,
    sharpen_images,
    sharpen_native,
    upsample,
)
from bocage.superres._sharpen import detail_weights, fixed_weights

TEN = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
GRID = Block("b", "t", 4_000_000, 3_000_000, 640, 0).geobox(10)


@pytest.fixture(scope="module")
def scene():
    """Fields with sharp borders: guides at 10 m, and two bands that follow them, at 20 m."""
    rng = np.random.default_rng(0)
    fields = rng.random((4, 9, 9)).repeat(8, axis=1).repeat(8, axis=2)[:, 3:67, 5:69]
    guides = (0.1 + 0.3 * fields).astype(np.float32)
    truth = np.stack([0.6 * guides[0] + 0.3 * guides[3], 0.5 * guides[2] - 0.2 * guides[1]])
    return guides, truth, degrade(truth, (0.3, 0.3), 2)


def test_detail_that_follows_the_guides_comes_back(scene):
    guides, truth, coarse = scene
    made = sharpen(coarse, guides, (0.3, 0.3), (0.3,) * 4)
    inner = (slice(None), slice(8, -8), slice(8, -8))
    plain = np.abs(upsample(coarse, 2) - truth)[inner].mean()
    assert np.abs(made - truth)[inner].mean() < 0.1 * plain


def test_guides_that_say_nothing_change_little(scene):
    _, truth, coarse = scene
    flat = np.full((4, *truth.shape[1:]), 0.2, np.float32)
    made = sharpen(coarse, flat, (0.3, 0.3), (0.3,) * 4)
    assert np.isfinite(made).all()
    assert np.abs(degrade(made, (0.3, 0.3), 2) - coarse).mean() < 0.01
    assert (detail_weights(coarse, np.zeros((4, *coarse.shape[1:]), np.float32)) == 0).all()


@pytest.mark.parametrize("row", [0, 1])
@pytest.mark.parametrize("column", [0, 1])
def test_repeated_pixels_are_found_wherever_they_start(row, column):
    image = np.random.default_rng(0).random((2, 20, 20), dtype=np.float32)
    doubled = image.repeat(2, axis=1).repeat(2, axis=2)[:, row:37, column:39]
    cells = find_cells(doubled)
    assert (cells.row, cells.column, cells.known) == (row, column, True)


def test_interpolated_and_plain_images_have_no_known_cells():
    image = np.random.default_rng(0).random((1, 20, 20), dtype=np.float32)
    assert not find_cells(upsample(image, 2)).known
    assert not find_cells(np.ones((1, 20, 20), np.float32)).known


@pytest.mark.parametrize("shift", [0, 1])
def test_an_image_on_one_grid_is_sharpened_where_its_cells_are(scene, shift):
    guides, truth, coarse = scene
    image = np.concatenate([guides, coarse.repeat(2, axis=1).repeat(2, axis=2)])
    image = image[:, shift : 62 + shift, shift : 60 + shift]
    bands = ("B02", "B03", "B04", "B08", "B05", "B06")
    done = sharpen_native(image, bands, native_sizes(bands), {"B05": 0.3, "B06": 0.3})
    assert done.bands == ("B05", "B06")
    assert done.aligned
    assert (done.image[:4] == image[:4]).all()
    target = truth[:, shift : 62 + shift, shift : 60 + shift]
    inner = (slice(None), slice(8, -8), slice(8, -8))
    before = np.abs(image[4:] - target)[inner].mean()
    assert np.abs(done.image[4:] - target)[inner].mean() < 0.15 * before


def test_without_guides_or_20_m_bands_nothing_happens(scene):
    guides, _, _ = scene
    for bands in (("B02", "B03", "B04", "B08"), ("B05", "B06", "B07", "B8A"), ("a", "b", "c", "d")):
        done = sharpen_native(guides, bands, native_sizes(bands))
        assert done.image is guides
        assert done.bands == ()


def _images(scene, shift):
    guides, _, coarse = scene
    fine = wrap(guides, GRID, dims=("band", "y", "x"), band=["B02", "B03", "B04", "B08"])
    low = wrap(coarse, GRID.zoom_out(2), dims=("band", "y", "x"), band=["B05", "B06"])
    return fine.isel(y=slice(shift, None), x=slice(shift, None)), low


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_grids_are_joined_by_their_georeference(scene, shift):
    """As in the Gers chip, whose 20 m grid starts 10 m before the 10 m grid."""
    fine, low = _images(scene, shift)
    joined = sharpen_images(fine, low, {"B05": 0.3, "B06": 0.3})
    first = shift + shift % 2
    truth = scene[1][:, first:, first:]
    assert joined.shape == (6, *truth.shape[1:])
    assert joined["x"].values[0] == GRID.coords["x"].values[first]
    assert joined["y"].values[0] == GRID.coords["y"].values[first]
    assert joined["band"].values.tolist() == ["B02", "B03", "B04", "B08", "B05", "B06"]
    inner = (slice(None), slice(8, -8), slice(8, -8))
    assert np.abs(joined.values[4:] - truth)[inner].mean() < 0.01


def test_grids_that_do_not_fit_are_refused(scene):
    fine, low = _images(scene, 0)
    moved = low.assign_coords(x=low["x"] + 5)
    with pytest.raises(InputError, match="do not fit"):
        sharpen_images(fine, moved)
    with pytest.raises(InputError, match="no common ground"):
        sharpen_images(fine, low.assign_coords(x=low["x"] + 10_000))


def test_images_that_meet_are_sharpened_alike():
    """Blocks of one area: with fixed weights there is no seam, with their own there is one."""
    rng = np.random.default_rng(0)
    fields = rng.random((10, 20, 8)).repeat(8, axis=1).repeat(8, axis=2)
    image = (0.1 + 0.3 * fields).astype(np.float32)
    native = native_sizes(TEN)
    coarse = [i for i, n in enumerate(native) if n == 20]
    image[coarse] = image[coarse][:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2)
    seams = []
    for fixed in (True, False):
        upper = sharpen_native(image[:, :96], TEN, native, fixed=fixed).image
        lower = sharpen_native(image[:, 64:], TEN, native, fixed=fixed).image
        seams.append(np.abs(upper[:, 79:81] - lower[:, 15:17]).max())
    assert seams[0] < 1e-5
    assert seams[1] > 1e-3


def test_weights_are_fixed_for_the_known_bands_only():
    four, six = ("B02", "B03", "B04", "B08"), ("B05", "B06", "B07", "B8A", "B11", "B12")
    whole = fixed_weights(six, four)
    assert whole.shape == (6, 4)
    # B8A looks like its neighbour B08.
    assert whole[3].argmax() == 3
    turned = fixed_weights(six[::-1], four[::-1])
    assert (turned[::-1, ::-1] == whole).all()
    assert fixed_weights(six, four[:3]) is None
    assert fixed_weights(("B01",), four) is None
