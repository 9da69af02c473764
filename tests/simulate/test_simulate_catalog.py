from datetime import UTC, datetime

import numpy as np
import rasterio

from bocage.simulate._calendar import Pass
from bocage.simulate._camera import Image
from bocage.simulate._catalog import baseline, counts, item_id, write_catalog, write_image
from bocage.simulate._domain import Domain
from bocage.simulate._film import load_films
from bocage.simulate._tables import BANDS, RESOLUTION
from bocage.simulate._weather import Weather


def test_stored_numbers_have_the_offset_of_the_baseline():
    assert baseline(2021).name == "03.01"
    assert baseline(2021).offset == 0
    assert baseline(2022).name == "05.10"
    values = np.array([[0.1, np.nan, -0.3, 9.0]], np.float32)
    assert counts(values, 0).tolist() == [[1000, 0, 1, 65535]]
    assert counts(values, 1000).tolist() == [[2000, 0, 1, 65535]]


def test_images_of_both_zones_are_items_of_their_own(tmp_path):
    films = load_films(Domain.around((4470310, 2767180), 1))
    one = Pass(
        datetime(2024, 6, 12, 10, 20, 31, tzinfo=UTC),
        "B",
        0,
        Weather(day=164, sun=61.23, azimuth=151.0),
        True,
    )
    items = []
    for film in films:
        bands = {b: np.full(film.boxes[RESOLUTION[b]].shape, 0.2, np.float32) for b in BANDS}
        scl = np.full(film.boxes[20].shape, 4, np.uint8)
        image = Image(bands, scl, 12.0, 3.5, 0.0, 0.0)
        items.append(write_image(tmp_path, image, film, one))
    assert [i.id for i in items] == [item_id(one, f) for f in films]
    assert {i.id for i in items} == {"S2B_20240612_T32", "S2B_20240612_T33"}
    for item, film in zip(items, films, strict=True):
        assert item.properties["proj:code"] == f"EPSG:{film.epsg}"
        assert item.properties["platform"] == "sentinel-2b"
        assert item.properties["view:sun_elevation"] == 61.23
        assert item.properties["view:sun_azimuth"] == 151.0
        assert item.properties["view:incidence_angle"] == 0
        assert item.properties["s2:nodata_pixel_percentage"] == 3.5
        assert item.assets["B01"].extra_fields["gsd"] == 60
        with rasterio.open(item.assets["B09"].href) as source:
            assert source.res == (60, 60)
            assert source.crs.to_epsg() == film.epsg
            assert (source.read(1) == 3000).all()
    path = write_catalog(tmp_path, items, "continental")
    assert path.exists()
    assert (tmp_path / "sentinel-2-l2a" / "collection.json").exists()
