import numpy as np
import pandas as pd
import pytest

from bocage.files import sha256
from bocage.simulate._calendar import calendar
from bocage.simulate._expose import textures
from bocage.simulate._film import load_films
from bocage.simulate._paint import mixing_fields
from bocage.simulate._tables import BANDS
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
