import dataclasses
import json

import numpy as np
import pytest
from scipy import ndimage

from bocage.grid import Block, geobox
from bocage.imagery import ImagerySettings, monthly_frames, monthly_mosaic, survey_shifts
from bocage.imagery._survey_shifts import _settled

WEST, NORTH, SIDE = 4_000_000, 3_000_000, 1000
BANDS = ("B02", "B03", "B04", "B08")
SETTINGS = ImagerySettings(bands=BANDS, cloud_mask="none", screen="none", months=(5, 6),
                           coregister="apply", fill="none")  # fmt: skip
BLOCKS = tuple(
    Block(f"{x}{y}", "", WEST + 500 * x, NORTH - 500 * y - 500, 500) for x in (0, 1) for y in (0, 1)
)
MOVES = {
    "2021-05-02": (0.0, 0.0),
    "2021-05-07": (0.4, -0.3),
    "2021-05-12": (0.0, 0.0),
    "2021-05-17": (-0.3, 0.5),
    "2021-05-22": (0.0, 0.0),
    "2021-05-27": (0.3, 0.25),
    "2021-06-01": (0.0, 0.0),
}
CLOUDY = "2021-05-17"


@pytest.fixture
def items(tmp_path, image, item):
    """Images of fields that are moved beside each other; one shows the west only."""
    rng = np.random.default_rng(4)
    fields = np.kron(rng.random((22, 22)), np.ones((6, 6)))
    level = ndimage.gaussian_filter(fields, 1)
    gains = np.array([0.5, 0.8, 1.0, -0.9])[:, None, None]
    ground = 0.3 + 0.2 * gains * level
    made = []
    for day, move in MOVES.items():
        seen = np.stack([ndimage.shift(b, move, order=3, mode="nearest") for b in ground])
        seen = seen + rng.normal(0, 0.002, seen.shape)
        counts = np.round(seen * 10_000).astype(np.uint16)
        if day == CLOUDY:
            counts[:, :, 66 + 10 :] = 0
        path = image(tmp_path / f"{day}.tif", counts, descriptions=BANDS, nodata=0,
                     origin=(WEST - 160, NORTH + 160))  # fmt: skip
        fields = {"eo:bands": [{"name": b} for b in BANDS]}
        made.append(item(f"i{day}", f"{day}T10:00:00", {"image": (path, fields)}))
    return made


def frames(items, block, shifts=None):
    return monthly_frames(items, block.geobox(10, halo=True), SETTINGS, 2021, shifts=shifts)


def test_shifts_are_found_for_all_blocks_at_once(items):
    shifts = survey_shifts(items, BLOCKS, SETTINGS, 2021)
    assert len(shifts.places) == 1
    found = shifts.at(geobox((WEST, NORTH - SIDE, WEST + SIDE, NORTH), 10))
    assert set(found) == set(MOVES)
    for day, move in MOVES.items():
        least = 0.1 if day == CLOUDY else 0.05
        assert found[day] == pytest.approx((-move[0], -move[1]), abs=least)
    still = [found[d] for d, move in MOVES.items() if move == (0.0, 0.0)]
    assert still == [(0.0, 0.0)] * 4  # too little to tell
    east = frames(items, BLOCKS[2])
    alone = east.sel(date=CLOUDY)
    assert (alone["down"].item(), alone["right"].item()) == (0, 0)
    told = frames(items, BLOCKS[2], shifts).sel(date=CLOUDY)
    assert (told["down"].item(), told["right"].item()) == pytest.approx(found[CLOUDY], abs=1e-4)


def test_blocks_that_share_them_have_no_seam(items):
    shifts = survey_shifts(items, BLOCKS, SETTINGS, 2021)
    seams = []
    for given in (shifts, None):
        one, other = (
            monthly_mosaic(items, b.geobox(10, halo=True), SETTINGS, 2021, shifts=given)
            for b in (BLOCKS[0], BLOCKS[2])
        )
        west, east = one["reflectance"], other["reflectance"]
        shared = sorted(set(west["x"].values) & set(east["x"].values))[8:-8]
        apart = west.sel(x=shared, month=5) - east.sel(x=shared, month=5)
        seams.append(float(abs(apart).max() / (west.max() - west.min())))
        entries = {d["date"]: d for d in json.loads(other.attrs["dates"])}
        assert entries[CLOUDY]["moved"] == (given is not None)
    assert seams[0] < 1e-3
    assert seams[1] > 1e-3


def test_frames_of_blocks_are_moved_alike(items):
    shifts = survey_shifts(items, BLOCKS, SETTINGS, 2021)
    one, other = (frames(items, b, shifts) for b in (BLOCKS[0], BLOCKS[3]))
    for name in ("down", "right"):
        assert np.abs(one[name].values - other[name].values).max() < 1e-4


def test_one_place_in_each_cell_is_looked_at(items):
    rows = [Block(str(n), "", WEST + 2000 * n, NORTH - 2000, 2000) for n in range(6)]
    shifts = survey_shifts(items, rows, SETTINGS, 2021)
    # Cells end at 4,005 km and 4,010 km; the middles of these blocks are nearest to theirs.
    assert [x for x, _ in shifts.places] == [WEST + 3000, WEST + 7000, WEST + 11_000]
    assert shifts.days == {}  # the images end before


def test_without_bands_of_ten_metres_there_are_none(items):
    coarse = dataclasses.replace(SETTINGS, bands=("B05",))
    assert survey_shifts(items, BLOCKS, coarse, 2021).days == {}
    assert survey_shifts([], BLOCKS, SETTINGS, 2021).days == {}


def test_places_are_compared_with_the_same_image():
    """Medians lie beside each other where other days are clear; one shift is a mistake."""
    rng = np.random.default_rng(1)
    true = rng.normal(0, 0.3, (30, 2))
    true -= np.median(true, axis=0)
    beside = np.array([[0.0, 0.0], [0.08, -0.05], [-0.06, 0.04]])
    found = true[:, None] + beside
    found[rng.random((30, 3)) < 0.3] = np.nan
    found[0] = true[0] + beside
    found[0, 2] += 1.2
    settled = _settled(found)
    known = np.isfinite(settled[..., 0])
    assert not known[0, 2]
    assert known[0, :2].all()
    apart = (settled - true[:, None])[known & (settled != 0).any(axis=-1)]
    level = np.median(apart, axis=0)
    assert np.abs(apart - level).max() < 0.01
    assert np.hypot(*level) < 0.05


def test_an_area_may_be_empty():
    assert survey_shifts([], (), SETTINGS, 2021).places == ()
