import json

import numpy as np
import pytest
from scipy import ndimage

from bocage.grid import geobox
from bocage.rasters import wrap
from bocage.superres import image_flags, judge, superresolve_image, write_report
from bocage.superres._judge import Judgement, find_window

BANDS = ("B02", "B03", "B04", "B08")


def picture(side=80, bands=BANDS, scale=1.0):
    rng = np.random.default_rng(4)
    fields = ndimage.zoom(rng.random((len(bands), side // 8, side // 8)), (1, 8, 8), order=0)
    values = 0.05 + 0.3 * ndimage.gaussian_filter(fields, (0, 0.6, 0.6))
    box = geobox((4_000_000, 3_000_000 - 10 * side, 4_000_000 + 10 * side, 3_000_000), 10)
    values = (values * scale).astype(np.float32 if scale == 1 else np.uint16)
    return wrap(values, box, dims=("band", "y", "x"), band=list(bands))


@pytest.mark.parametrize("scale", [1.0, 10000.0])
def test_an_image_is_judged_beside_bicubic_and_lmmse(scale):
    source = picture(scale=scale)
    found = judge(source, superresolve_image(source, "lmmse"), "lmmse")
    assert found.flags == ()
    assert list(found.reduced) == ["bicubic", "lmmse"]
    assert found.reduced["lmmse"]["psnr"] > found.reduced["bicubic"]["psnr"]
    assert found.native["lmmse"]["reflectance"] < found.native["bicubic"]["reflectance"]
    assert found.consistency < 0.002
    assert found.scale == 1 / scale
    json.dumps(found.as_dict())


def test_a_result_that_is_not_of_its_source_is_flagged():
    source = picture()
    result = superresolve_image(source, "lmmse")
    assert "away from source" in judge(source, result + 0.05, "lmmse").flags


def test_a_result_is_judged_with_the_point_spread_that_it_was_made_with():
    source, told = picture(), dict.fromkeys(BANDS, 0.6)
    result = superresolve_image(source, "lmmse", psf_mtf=told)
    right, wrong = (judge(source, result, "lmmse", psf_mtf=t) for t in (told, None))
    assert right.consistency < wrong.consistency / 2


def test_a_blurred_result_is_flagged():
    source = picture(side=160)
    result = superresolve_image(source, "lmmse")
    blurred = result.copy(data=ndimage.gaussian_filter(result.values, (0, 6, 6)))
    flags = judge(source, blurred, "lmmse").flags
    assert {"not sharper", "away from source"} <= set(flags)


def test_small_images_and_images_full_of_holes_are_not_judged():
    small = picture(side=32)
    assert "not judged" in judge(small, superresolve_image(small, "bicubic"), "bicubic").flags
    holed = picture()
    holed.values[:, ::20, ::20] = np.nan
    found = judge(holed, superresolve_image(holed, "bicubic"), "bicubic")
    assert found.flags == ("not judged",)
    assert found.window is None


def test_the_part_that_is_judged_has_no_hole_and_is_near_the_middle():
    known = np.ones((200, 300), bool)
    assert find_window(known) == (slice(32, 160), slice(80, 208))
    known[:, 100] = False
    rows, columns = find_window(known)
    assert known[rows, columns].all()
    assert rows.stop - rows.start == 128
    assert find_window(np.zeros((200, 300), bool)) is None


def plain(blue=0.05, nir=0.3, side=20):
    rng = np.random.default_rng(0)
    level = np.array([blue, nir], np.float32)[:, None, None]
    return level + rng.normal(0, 0.005, (2, side, side)).astype(np.float32)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (plain(), ()),
        (plain(side=4), ("small",)),
        (plain() * 10000, ("scale",)),
        (plain() / 10000, ("scale",)),
        (plain(blue=-0.06), ("negative B02",)),
        (plain(nir=1.4), ("bright B08",)),
        (np.full((2, 20, 20), np.nan, np.float32), ("nothing",)),
        (np.full((2, 20, 20), 0.2, np.float32), ("constant B02", "constant B08")),
        (np.full((2, 1, 20), 0.2, np.float32), ("small", "constant B02", "constant B08")),
    ],
)
def test_what_is_doubtful_is_named(image, expected):
    assert image_flags(image, ("B02", "B08")) == expected


def unsharp(image, amount):
    return image + amount * (image - ndimage.gaussian_filter(image, (0, 1, 1)))


@pytest.mark.parametrize("bands", [BANDS, ("1", "2", "3", "4")])
def test_an_image_that_was_sharpened_is_flagged(bands):
    image = picture(side=240).values
    assert image_flags(image, bands) == ()
    ringing = unsharp(image, 1.5).astype(np.float32)
    assert image_flags(ringing, bands) == ("sharpened",)
    ringing[:, 100:120, 50:] = np.nan
    assert image_flags(ringing, bands) == ("sharpened",)


def test_noise_interpolation_and_thin_lines_are_no_sharpening():
    image = picture(side=240).values
    rng = np.random.default_rng(0)
    noisy = image + rng.normal(0, 0.01, image.shape).astype(np.float32)
    smooth = ndimage.zoom(image, (1, 0.5, 0.5), order=1)
    smooth = ndimage.zoom(smooth, (1, 2, 2), order=3).astype(np.float32)
    hedges = image.copy()
    hedges[:, ::8] += 0.1
    for one in (noisy, smooth, hedges):
        assert image_flags(one, BANDS) == ()


def test_a_sharpened_image_is_warned_about(caplog):
    source = picture(side=160)
    assert "superres_note" not in superresolve_image(source, "lmmse").attrs
    assert not caplog.records
    ringing = source.copy(data=unsharp(source.values, 2).astype(np.float32))
    note = superresolve_image(ringing, "lmmse").attrs["superres_note"]
    assert note == "the image looks sharpened already and will come out over-sharpened"
    assert [r.getMessage() for r in caplog.records] == [note]


def test_half_an_image_is_empty():
    image = plain()
    image[:, :10] = np.nan
    assert image_flags(image, ("B02", "B08")) == ("empty",)
    image = plain()
    image[0] = np.nan
    assert image_flags(image, ("B02", "B08")) == ("empty", "empty B02")


def test_the_page_holds_figures_and_pictures(tmp_path):
    source = picture()
    result = superresolve_image(source, "lmmse")
    path = write_report(
        tmp_path / "r.html", "<a & b>", source, result, judge(source, result, "lmmse")
    )
    text = path.read_text()
    assert "&lt;a &amp; b&gt;" in text
    assert text.count("data:image/png;base64,") == 6
    assert "<td>bicubic</td>" in text
    assert "<td>lmmse</td>" in text
    assert "http" not in text


@pytest.mark.parametrize("bands", [("B11",), ("B02", "B03", "B04")])
def test_a_page_of_few_bands_and_without_any_value(tmp_path, bands):
    source = picture(bands=bands)
    result = superresolve_image(source, "bicubic")
    write_report(tmp_path / "a.html", "a", source, result, judge(source, result, "bicubic"))
    source.values[:] = np.nan
    result = superresolve_image(source, "bicubic")
    judged = judge(source, result, "bicubic")
    assert judged.flags == ("nothing", "not judged")
    page = write_report(tmp_path / "b.html", "b", source, result, judged).read_text()
    assert "nothing was measured" in page


def test_bicubic_is_held_to_the_mean_of_blocks():
    """It leaves 20 m bands as they are: the sharpened ones are not what it was given."""
    source = picture(bands=("B02", "B03", "B04", "B08", "B11"))
    source.values[4] = source.values[4, ::2, ::2].repeat(2, axis=0).repeat(2, axis=1)
    found = judge(source, superresolve_image(source, "bicubic"), "bicubic")
    assert "away from source" not in found.flags
    assert found.consistency < 1e-6
    assert "away from source" in judge(source, superresolve_image(source, "bicubic") + 0.05).flags


def test_figures_are_json_and_the_same_each_time():
    judged = Judgement((), None, 1.0, {"a": {"sam": float("nan"), "km2_per_s": 3.0}})
    assert judged.as_dict()["reduced"] == {"a": {"sam": None}}
    source = picture()
    result = superresolve_image(source, "lmmse")
    twice = [judge(source, result, "lmmse").as_dict() for _ in range(2)]
    assert twice[0] == twice[1]
    json.dumps(twice[0], allow_nan=False)
