import numpy as np
import pytest
from pyproj import Transformer

from bocage.simulate._domain import Domain
from bocage.simulate._film import load_films, resize, shrink
from bocage.simulate._tables import region


def place(longitude, latitude):
    turn = Transformer.from_crs("EPSG:4326", "EPSG:3035", always_xy=True)
    return tuple(round(v / 10) * 10 for v in turn.transform(longitude, latitude))


def test_one_film_covers_the_area_with_a_margin(domain):
    (film,) = load_films(domain)
    assert film.epsg == 32633
    west, south, east, north = film.boxes[10].footprint("EPSG:3035").geom.bounds
    reach = domain.half + 300
    assert west < domain.center[0] - reach
    assert east > domain.center[0] + reach
    assert south < domain.center[1] - reach
    assert north > domain.center[1] + reach
    assert film.rows[10][0].mean() < film.rows[10][-1].mean()


def test_pixels_of_all_sizes_fit_into_each_other(domain):
    (film,) = load_films(domain)
    corners = {(b.affine.c, b.affine.f) for b in film.boxes.values()}
    assert len(corners) == 1
    assert all(v % 60 == 0 for v in corners.pop())
    rows, columns = film.boxes[60].shape
    assert film.boxes[10].shape == (6 * rows, 6 * columns)
    assert film.boxes[20].shape == (3 * rows, 3 * columns)


@pytest.mark.parametrize(
    ("name", "epsg"), [("macaronesian", 32628), ("mediterranean", 32630), ("boreal", 32635)]
)
def test_each_place_has_its_zone(name, epsg):
    (film,) = load_films(Domain.around(region(name).place, 1))
    assert film.epsg == epsg


def test_an_area_across_a_border_gets_both_zones_its_own_first():
    films = load_films(Domain.around(place(12.004, 48.0), 2))
    assert [f.zone for f in films] == [33, 32]
    # The pannonian place lies 4 km from the next border.
    x, y = region("pannonian").place
    films = load_films(Domain.around((x - 4000, y), 1))
    assert [f.epsg for f in films] == [32633, 32634]
    assert len(load_films(Domain.around(place(12.1, 48.0), 2))) == 1


def test_a_film_ends_some_kilometres_beyond_the_border(monkeypatch):
    monkeypatch.setattr("bocage.simulate._film.OVERLAP_M", 1000)
    films = {f.zone: f for f in load_films(Domain.around(place(12.0, 48.0), 4))}
    ends = {}
    for zone, column in ((32, -1), (33, 0)):
        box = films[zone].boxes[60]
        turn = Transformer.from_crs(f"EPSG:326{zone}", "EPSG:4326", always_xy=True)
        x, y = column % box.shape[1] + 0.5, box.shape[0] / 2
        middle = (box.affine.c + 60 * x, box.affine.f - 60 * y)
        ends[zone] = (turn.transform(*middle)[0] - 12) * 111_320 * np.cos(np.radians(48))
    assert ends[32] == pytest.approx(1000, abs=250)
    assert ends[33] == pytest.approx(-1000, abs=250)
    # Nothing lies in neither of them.
    assert films[33].columns[60].min() < films[32].columns[60].max()


def test_pixels_hold_their_places(domain):
    (film,) = load_films(domain)
    for size in (10, 60):
        x, y = film.columns[size][3, 5] * 2.5, film.rows[size][3, 5] * 2.5
        rows, columns = film.pixels(domain, np.array([x]), np.array([y]), size)
        assert (rows[0], columns[0]) == (3, 5)


def test_fields_of_20_m_go_to_10_and_60_m():
    field = np.add.outer(np.arange(6.0), 2 * np.arange(9.0)).astype(np.float32)
    fine = resize(field, 10)
    assert fine.shape == (12, 18)
    assert np.allclose(shrink(fine, 2)[1:-1, 1:-1], field[1:-1, 1:-1])
    assert np.allclose(np.diff(fine[2:-2, 5]), 0.5)
    assert np.allclose(resize(field, 60), field.reshape(2, 3, 3, 3).mean(axis=(1, 3)))
    assert resize(field, 20) is field
