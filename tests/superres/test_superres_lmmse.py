import numpy as np

from bocage.superres import Lmmse, degrade, psf_mtf, psf_table, upsample
from bocage.superres._lmmse import Moments, apply_filter, shipped_filters


def test_the_shipped_filters_keep_the_level():
    filters = shipped_filters()
    assert filters.bands[-1] == "other"
    assert set(filters.bands[:-1]) <= set(psf_table())
    assert filters.weights.shape == (len(filters.bands), 49, 16)
    assert np.allclose(filters.weights.sum(axis=1), 1, atol=1e-5)


def test_a_filter_that_copies_the_centre_repeats_pixels():
    image = np.random.default_rng(0).random((70, 9), dtype=np.float32)
    weights = np.zeros((49, 16), np.float32)
    weights[24] = 1
    assert (apply_filter(image, weights) == image.repeat(4, axis=0).repeat(4, axis=1)).all()


def test_the_places_of_a_cell_are_kept_apart():
    weights = np.zeros((49, 16), np.float32)
    weights[24] = np.arange(16)
    assert apply_filter(np.ones((1, 1), np.float32), weights).ravel().tolist() == list(range(16))


def test_the_fit_finds_the_filter_that_made_the_data():
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.1, (49, 16))
    weights[24] += 1 - weights.sum(axis=0)
    moments = Moments()
    coarse = rng.random((4, 30, 30), dtype=np.float32)
    fine = np.stack([apply_filter(c, weights.astype(np.float32)) for c in coarse])
    moments.add(coarse, fine)
    assert np.allclose(moments.solve(), weights, atol=1e-4)


def test_it_beats_bicubic_where_the_image_was_degraded():
    rng = np.random.default_rng(0)
    truth = rng.random((1, 15, 15), dtype=np.float32).repeat(12, axis=1).repeat(12, axis=2)
    coarse = degrade(truth, psf_mtf(["B08"]))
    errors = [
        np.abs(f - truth).mean() for f in (Lmmse().upscale(coarse, ("B08",)), upsample(coarse))
    ]
    assert errors[0] < 0.85 * errors[1]


def test_nodata_stays_and_does_not_bleed():
    image = np.full((2, 9, 9), 0.2, np.float32)
    image[:, 4, 4] = np.nan
    made = Lmmse().upscale(image, ("B02", "no band of ours"))
    assert np.isnan(made).sum() == 2 * 16
    assert np.allclose(made[np.isfinite(made)], 0.2, atol=1e-6)
