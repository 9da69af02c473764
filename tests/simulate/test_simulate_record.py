from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from bocage.simulate._calendar import Pass
from bocage.simulate._camera import Image
from bocage.simulate._film import load_films
from bocage.simulate._record import (
    LOOK_PX,
    entry,
    looked_at,
    probe_pixels,
    probe_values,
    quicklook,
)
from bocage.simulate._tables import BANDS, RESOLUTION
from bocage.simulate._weather import Edge, Weather


@pytest.fixture(scope="module")
def film(domain):
    return load_films(domain)[0]


@pytest.fixture
def image(film):
    """An image in which every pixel of 20 m has its own value."""
    rows, columns = film.boxes[20].shape
    number = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    bands = {}
    for name in BANDS:
        size = RESOLUTION[name]
        if size == 60:
            bands[name] = np.ascontiguousarray(number[::3, ::3])
        else:
            bands[name] = number.repeat(20 // size, 0).repeat(20 // size, 1)
    scl = np.full((rows, columns), 4, np.uint8)
    return Image(bands, scl, 0.0, 0.0, 0.0, 0.0)


def pass_on(day, cloud, kept=True, edge=None, sun=40.0):
    when = datetime(2021, 1, 1, 10, tzinfo=UTC) + timedelta(days=day - 1)
    return Pass(when, "A", 0, Weather(day=day, sun=sun, cloud=cloud, edge=edge), kept)


def test_probes_read_the_pixel_that_holds_them(domain, film, image):
    x, y = film.columns[20][20, 33] * 2.5, film.rows[20][20, 33] * 2.5
    probes = pd.DataFrame({"x": [x, x, 1e6], "y": [y, y + 60, y]})
    values = probe_values(image, probe_pixels(film, domain, probes))
    assert values.shape == (3, len(BANDS))
    assert values.dtype == np.float32
    number = 20 * film.boxes[20].shape[1] + 33
    for name in ("B04", "B11"):
        assert values[0, BANDS.index(name)] == number
    assert values[1, BANDS.index("B11")] > number
    assert np.isnan(values[2]).all()


def test_probes_are_empty_where_it_is_not_clear(domain, film, image):
    image.scl[:] = 9
    probes = pd.DataFrame({"x": [domain.side / 2], "y": [domain.side / 2]})
    assert np.isnan(probe_values(image, probe_pixels(film, domain, probes))).all()


def test_quicklooks_are_small_natural_colours(image):
    bands = dict(image.bands) | {b: np.full((2000, 1500), 0.05, np.float32) for b in BANDS[1:4]}
    bands["B04"] = np.full((2000, 1500), 0.3, np.float32)
    bands["B04"][:10] = np.nan
    look = quicklook(replace(image, bands=bands))
    assert look.dtype == np.uint8
    assert max(look.shape[:2]) <= LOOK_PX
    assert look[-1, -1, 0] == 255
    assert 60 < look[-1, -1, 2] < 120
    assert look[0, 0, 0] == 0


def test_the_clearest_whole_image_of_each_season_is_shown():
    passes = (
        pass_on(20, 0.3),
        pass_on(30, 0.1),
        pass_on(40, 0.0, kept=False),
        pass_on(180, 0.0, edge=Edge(100.0, True)),
        pass_on(190, 0.2),
    )
    assert looked_at(passes) == {"2021-01-30", "2021-07-09"}


def test_entries_say_what_was_met_and_why_a_pass_was_left_out(film):
    kept = entry(pass_on(20, 0.3), (film,), (31.26, 2.0, 0.0))
    assert kept["cloud"] == 31.3
    assert (kept["date"], kept["zone"], kept["kept"], kept["why"]) == ("2021-01-20", "33", True, "")
    why = [
        entry(pass_on(20, cloud, kept=False, sun=sun), (film,), None)["why"]
        for cloud, sun in ((0.9, 40.0), (0.1, 4.0), (0.1, 40.0))
    ]
    assert why == ["cloud", "sun", "many"]
