from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely import LineString

from bocage.files import sha256
from bocage.simulate._calendar import Pass, calendar
from bocage.simulate._expose import textures
from bocage.simulate._film import load_films
from bocage.simulate._flood import flood_plain
from bocage.simulate._paint import mixing_fields
from bocage.simulate._relief import sample
from bocage.simulate._streams import Stream
from bocage.simulate._tables import BANDS
from bocage.simulate._weather import Weather
from bocage.simulate._year import object_altitude, write_year


@pytest.fixture(scope="module")
def year(tmp_path_factory, landscape, domain, seed):
    folder = tmp_path_factory.mktemp("year")
    layers = (mixing_fields(domain, seed), *textures(domain, seed))
    middle = domain.side / 2
    probes = pd.DataFrame({"x": [middle, middle + 200], "y": [middle, middle - 300]})
    said = []
    items, record = write_year(
        folder, landscape, layers, load_films(domain), 2021, seed, said.append, probes
    )
    return folder, items, record, said


def test_every_kept_pass_is_an_item_in_order_of_time(year):
    _, items, record, said = year
    kept = [d for d in record.dates if d["kept"]]
    assert [i.datetime.date().isoformat() for i in items] == [d["date"] for d in kept]
    assert [i.id[2] for i in items] == [d["platform"] for d in kept]
    assert len(said) == len(items)
    assert len(record.dates) > len(kept)
    assert record.probe_dates == [d["date"] for d in kept]


def test_the_record_has_the_clouds_that_the_items_have(year):
    _, items, record, _ = year
    cloud = {d["date"]: d["cloud"] for d in record.dates}
    for item in items:
        seen = item.properties["eo:cloud_cover"]
        assert cloud[item.datetime.date().isoformat()] == pytest.approx(seen, abs=0.06)


def test_probes_have_plausible_values_where_clear(year):
    _, items, record, _ = year
    assert record.probe_values.shape == (len(items), 2, len(BANDS))
    seen = np.isfinite(record.probe_values).all(axis=2)
    assert 0.2 < seen.mean() < 1
    assert 0 < np.nanmedian(record.probe_values[..., BANDS.index("B04")]) < 0.3


def test_each_season_has_a_quicklook(year):
    _, _, record, _ = year
    months = sorted(int(day[5:7]) % 12 // 3 for day in record.quicklooks)
    assert months == [0, 1, 2, 3]
    assert all(look.std() > 5 for look in record.quicklooks.values())


def test_the_order_in_which_images_are_taken_does_not_matter(
    year, landscape, domain, seed, tmp_path, monkeypatch
):
    folder, items, record, _ = year
    # The first passes alone, one after the other.
    monkeypatch.setattr("bocage.simulate._year.calendar", lambda *args: calendar(*args)[:14])
    monkeypatch.setattr("bocage.simulate._year.WORKERS", 1)
    layers = (mixing_fields(domain, seed), *textures(domain, seed))
    again, second = write_year(
        tmp_path, landscape, layers, load_films(domain), 2021, seed, lambda text: None
    )
    assert len(again) >= 2
    assert [i.id for i in again] == [i.id for i in items][: len(again)]
    assert second.dates == record.dates[:14]
    for item in again[-2:]:
        for name in ("B02", "B09", "SCL"):
            one, other = (f / item.id / f"{name}.tif" for f in (folder, tmp_path))
            assert sha256(one) == sha256(other)


def test_objects_have_the_height_of_their_land(landscape):
    altitude = object_altitude(landscape)
    assert altitude.shape == landscape.angle.shape
    assert altitude.dtype == np.float32
    number = np.bincount(landscape.obj.ravel()).argmax()
    rows, columns = np.nonzero(landscape.obj == number)
    expected = landscape.height[rows // 8, columns // 8].mean()
    assert altitude[number] == pytest.approx(expected, abs=0.5)


@pytest.fixture
def one_image(monkeypatch, domain, seed):
    """Takes the one image of a year: gives its item and the reflectance at the probes."""

    def shoot(folder, landscape, weather, year=2021, probes=None):
        when = datetime(year, 2, 10, 10, 20, tzinfo=UTC)
        one = Pass(when, "A", 0, weather, kept=True)
        monkeypatch.setattr("bocage.simulate._year.calendar", lambda *args: (one,))
        layers = (mixing_fields(domain, seed), *textures(domain, seed))
        (item,), record = write_year(
            folder, landscape, layers, load_films(domain), year, seed, lambda text: None, probes
        )
        return item, record.probe_values

    return shoot


def read(item, name):
    with rasterio.open(item.assets[name].href) as source:
        return source.read(1)


def test_a_flood_wets_low_ground_only_and_leaves_the_truth(one_image, landscape, domain, tmp_path):
    count = landscape.height.shape[0]
    bank = np.abs(np.arange(count) - count // 2) * 0.2
    height = np.repeat(bank[:, None], count, axis=1).astype(np.float32)
    middle = (count // 2 + 0.5) * 20
    river = Stream(LineString([(0, middle), (domain.side, middle)]), 20.0, main=True)
    valley = replace(landscape, height=height, streams=(river,))
    truth = {name: getattr(valley, name).copy() for name in ("land", "obj", "cover", "height")}
    weather = Weather(day=41, sun=25)
    dry, _ = one_image(tmp_path / "dry", valley, weather)
    wet, _ = one_image(tmp_path / "wet", valley, replace(weather, flood=0.1))
    # The rest of the image is the same to the count.
    changed = read(dry, "B11") != read(wet, "B11")
    above = sample(load_films(domain)[0], height)
    stage = flood_plain(valley).stage(0.1)
    assert 0.05 < changed.mean() < 0.25
    assert above[changed].max() < stage + 0.4
    assert changed[above < 0.3 * stage].mean() > 0.8
    assert all(np.array_equal(getattr(valley, name), value) for name, value in truth.items())


def test_snow_lies_on_high_land_only(one_image, landscape, domain, tmp_path):
    height = np.zeros_like(landscape.height)
    height[: height.shape[0] // 2] = 800
    high = replace(landscape, height=height)
    item, _ = one_image(tmp_path, high, Weather(day=41, sun=25, snow=0.95, line_m=500))
    seen, above = read(item, "SCL"), sample(load_films(domain)[0], height)
    assert (seen[above > 790] == 11).mean() > 0.3
    assert (seen[above < 10] == 11).mean() < 0.05
    assert item.properties["s2:snow_ice_percentage"] > 10


@pytest.mark.parametrize(("year", "number", "offset"), [(2021, "03.01", 0), (2024, "05.10", -0.1)])
def test_stored_numbers_give_reflectance_by_the_baseline(
    one_image, landscape, domain, tmp_path, year, number, offset
):
    x = np.linspace(0.4, 0.6, 7) * domain.side
    probes = pd.DataFrame({"x": x, "y": x[::-1]})
    item, values = one_image(tmp_path, landscape, Weather(day=41, sun=25), year, probes)
    assert item.properties["s2:processing_baseline"] == number
    (film,) = load_films(domain)
    for name, size in (("B04", 10), ("B11", 20), ("B09", 60)):
        (raster,) = item.assets[name].extra_fields["raster:bands"]
        assert raster["offset"] == pytest.approx(offset)
        pixels = film.pixels(domain, x, x[::-1], size)
        stored = read(item, name)[pixels] * raster["scale"] + raster["offset"]
        expected = values[0, :, BANDS.index(name)]
        # Probes are told of clear pixels only.
        clear = np.isfinite(expected)
        assert clear.sum() >= 4
        assert stored[clear] == pytest.approx(expected[clear], abs=1e-4)
