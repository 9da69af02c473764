"""Bad input: named, or handled."""

import numpy as np
import pytest
from odc.geo.geobox import GeoBox

from bocage.errors import InputError
from bocage.grid import Block
from bocage.rasters import wrap
from bocage.superres import degrade, native_sizes, psf_mtf, superresolve_image
from bocage.superres._backends import BACKENDS, get_backend
from bocage.superres._chain import Chain, apply_chain, is_ten_metres, pixel_m

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
BOX = Block("b", "t", 4_000_000, 3_000_000, 640, 0).geobox(10)
EVERY = pytest.mark.parametrize("backend", sorted(BACKENDS))


def chain(backend, bands=BANDS, **options):
    return Chain(get_backend(backend), bands, native_sizes(bands), **options)


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    fields = rng.random((10, 8, 8)).repeat(8, axis=1).repeat(8, axis=2)
    return (0.05 + 0.3 * fields).astype(np.float32)


@EVERY
def test_nodata_stays_in_its_place_and_pulls_at_nothing(backend, image):
    """Whatever lies under a hole, its surroundings come out the same."""
    holed = image.copy()
    holed[:, 20:30, 40:] = np.nan
    other = holed.copy()
    other[:, 20:30, 40:] = np.inf
    made, again = (apply_chain(i, chain(backend)).image for i in (holed, other))
    gone = np.isnan(holed).repeat(4, axis=1).repeat(4, axis=2)
    assert (np.isnan(made) == gone).all()
    assert np.array_equal(made, again, equal_nan=True)
    whole = apply_chain(image, chain(backend)).image
    away = (slice(None), slice(0, 4 * 10), slice(0, 4 * 20))
    # Only the regression of the sharpening looks at the whole image.
    assert np.abs(made - whole)[away].max() < 0.02


@EVERY
def test_a_constant_stays_and_an_empty_image_stays_empty(backend):
    flat = np.full((10, 24, 24), 0.2, np.float32)
    assert np.allclose(apply_chain(flat, chain(backend)).image, 0.2, atol=1e-5)
    assert np.isnan(apply_chain(flat * np.nan, chain(backend)).image).all()


@EVERY
@pytest.mark.parametrize("shape", [(1, 30), (30, 1), (1, 1), (2, 3), (5, 5)])
def test_the_smallest_images_are_handled(backend, shape):
    rng = np.random.default_rng(0)
    image = rng.random((10, *shape), dtype=np.float32)
    made = apply_chain(image, chain(backend)).image
    assert made.shape == (10, 4 * shape[0], 4 * shape[1])
    assert np.isfinite(made).all()


@EVERY
def test_saturated_pixels_do_not_spoil_the_rest(backend, image):
    spoilt = image.copy()
    spoilt[:, 31:33, 31:33] = 6.5535
    made, plain = (apply_chain(i, chain(backend)).image for i in (spoilt, image))
    assert np.isfinite(made).all()
    # Bands of 10 m: those of 20 m share one regression.
    ten = [i for i, n in enumerate(native_sizes(BANDS)) if n == 10]
    far = (ten, slice(0, 4 * 8), slice(0, 4 * 8))
    assert np.abs(made - plain)[far].max() < 2e-3 * 6.5535


@pytest.mark.parametrize("backend", ["fine10", "lmmse"])
def test_nothing_falls_below_zero_unless_its_source_does(backend, image):
    dark = np.maximum(image - 0.15, 0)
    dark[:, 5, 5] = -0.03
    made = apply_chain(dark, chain(backend, ("B02", "B03", "B04", "B08", *"123456"))).image
    below = dark < 0
    assert made[~below.repeat(4, axis=1).repeat(4, axis=2)].min() >= 0
    assert made.min() < 0


@pytest.mark.parametrize("backend", ["fine10", "lmmse"])
def test_the_sensor_would_see_the_source_again(backend, image):
    bands = ("B02", "B03", "B04", "B08", *"123456")

    def away(steps):
        made = apply_chain(image, chain(backend, bands, steps=steps)).image
        return np.abs(degrade(made, psf_mtf(bands)) - image).mean()

    assert away(2) < away(1) < away(0)
    assert away(1) < 0.002


def test_an_image_without_pixels_or_with_a_band_twice_is_refused():
    values = np.zeros((2, 64, 64), np.float32)
    image = wrap(values, BOX, dims=("band", "y", "x"), band=["B02", "B02"])
    with pytest.raises(InputError, match="band B02 stands in the image twice"):
        superresolve_image(image)


def test_a_backend_that_gives_something_else_is_named(image):
    class Wrong:
        name = "wrong"
        consistency = "psf"

        def __init__(self, made):
            self.made = made

        def upscale(self, image, bands):
            return self.made

    lost = np.full((10, 256, 256), np.nan, np.float32)
    for made, said in ((image, "does not belong"), (lost, "no value where its source has one")):
        with pytest.raises(InputError, match=said):
            apply_chain(image, Chain(Wrong(made), BANDS, native_sizes(BANDS)))


def test_20_m_bands_are_sharpened_on_grids_of_10_m_only(image):
    degrees = GeoBox((64, 64), BOX.affine.from_gdal(2.8, 0.000121, 0, 42.4, 0, -0.00009), 4326)
    assert abs(pixel_m(degrees) - 10) < 0.1
    assert is_ten_metres(BOX)
    assert is_ten_metres(degrees)
    assert not is_ten_metres(BOX.zoom_out(2))
    noise = np.random.default_rng(0).random(image.shape, dtype=np.float32)
    notes = []
    for box, step in ((BOX, 1), (BOX.zoom_out(2), 2)):
        part = noise[:, ::step, ::step]
        source = wrap(part, box, dims=("band", "y", "x"), band=list(BANDS))
        notes.append(superresolve_image(source, "lmmse").attrs.get("superres_note", ""))
    assert notes == ["20 m grid unknown: cells of 2 × 2 pixels stand for it", ""]
