import numpy as np
import pytest

from bocage.errors import InputError
from bocage.superres import (
    Bicubic,
    Lmmse,
    Subject,
    native_scale,
    native_sizes,
    reduced_scale,
    sharpening,
)

BANDS = ("B02", "B03", "B04", "B08")


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    fields = rng.random((4, 12, 12)).repeat(11, axis=1).repeat(11, axis=2)
    return (0.05 + 0.3 * fields).astype(np.float32)


def test_the_linear_filter_is_better_than_bicubic_in_every_figure(image):
    subject = Subject(image, BANDS)
    plain, linear = (reduced_scale(subject, engine) for engine in (Bicubic(), Lmmse()))
    assert set(plain) == set(linear)
    for name in ("psnr", "ssim", "sre", "psnr_rgbn", "im_metric"):
        assert linear[name] > plain[name], name
    for name in ("sam", "ergas", "rmse", "sam_rgbn", "om_metric", "reflectance"):
        assert linear[name] < plain[name], name
    native = native_scale(subject, Lmmse())
    assert native["reflectance"] < native_scale(subject, Bicubic())["reflectance"]


def test_a_wrong_belief_about_the_point_spread_costs(image):
    right = reduced_scale(Subject(image, BANDS), Lmmse())
    wrong = reduced_scale(Subject(image, BANDS, seen_mtf=0.6), Lmmse())
    assert wrong["psnr"] < right["psnr"]


def test_figures_of_four_bands_need_four_bands(image):
    scores = reduced_scale(Subject(image[:2], BANDS[:2]), Lmmse())
    assert "psnr" in scores
    assert "psnr_rgbn" not in scores
    assert "im_metric" not in scores


def test_what_cannot_be_judged_is_named(image):
    with pytest.raises(InputError, match="too small"):
        Subject(image[:, :40], BANDS)
    holed = image.copy()
    holed[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="with nodata"):
        Subject(holed, BANDS)


@pytest.mark.parametrize("shift", [0, 1])
def test_sharpening_is_judged_where_the_cells_are(image, shift):
    """The 20 m band follows the guides: sharpening brings nearly all of it back."""
    follows = 0.5 * image[3] + 0.5 * image[0]
    cells = follows[:132, :132].reshape(66, 2, 66, 2).mean(axis=(1, 3))
    coarse = cells.repeat(2, axis=0).repeat(2, axis=1)
    whole = np.concatenate([image, coarse[None]])[:, shift:, shift:]
    bands = (*BANDS, "B05")
    found = sharpening(whole, bands, native_sizes(bands))
    assert found["sharpen"]["rmse"] < 0.35 * found["bicubic"]["rmse"]
    assert sharpening(image, BANDS, native_sizes(BANDS)) == {}
