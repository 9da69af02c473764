import pytest

from bocage.errors import InputError
from bocage.imagery import ImagerySettings, require_angles
from bocage.imagery._angles import Direction, sun_of, view_of

SUN = {"view:sun_elevation": 40.0, "view:sun_azimuth": 150.0}
VIEW = {"view:incidence_angle": 7.5, "view:azimuth": 104.0}


@pytest.fixture
def bare(tmp_path, image, item):
    path = image(tmp_path / "a.tif", [[[1]]])

    def make(properties, **fields):
        assets = {k: (path, f) for k, f in fields.items()} or {"B02": path}
        return item("S2_x", "2021-06-01T10:30:00", assets, properties=properties)

    return make


def test_angles_of_an_item(bare):
    one = bare({**SUN, **VIEW})
    assert sun_of(one) == Direction(50, pytest.approx(150))
    assert view_of(one) == Direction(7.5, pytest.approx(104))


def test_zenith_and_azimuth_of_planetary_computer(bare):
    one = bare({"s2:mean_solar_zenith": 33.0, "s2:mean_solar_azimuth": 160.5})
    assert sun_of(one) == Direction(33, pytest.approx(160.5))


def test_angles_of_the_assets_are_averaged_across_north(bare):
    one = bare(
        SUN,
        B02={"view:incidence_angle": 2.0, "view:azimuth": 358.0},
        B03={"view:incidence_angle": 4.0, "view:azimuth": 6.0},
        SCL={},
    )
    assert view_of(one) == Direction(3, pytest.approx(2))


def test_off_nadir_is_steeper_at_the_ground(bare):
    # sin(incidence) = (6371 + 786) / 6371 · sin(off nadir)
    found = view_of(bare({"view:off_nadir": 10.0, "view:azimuth": 1.0}))
    assert found.zenith == pytest.approx(11.249, abs=1e-3)


def test_straight_below_there_is_no_azimuth(bare):
    assert view_of(bare({"view:incidence_angle": 0})) == Direction(0, 0)


@pytest.mark.parametrize(
    ("given", "ask", "lacks"),
    [
        ({}, sun_of, "view:sun_elevation"),
        ({"view:sun_elevation": 40.0}, sun_of, "sun stood"),
        ({"view:sun_elevation": None, "view:sun_azimuth": 3.0}, sun_of, "sun stood"),
        ({"view:incidence_angle": 5.0}, view_of, "view:azimuth"),
        (SUN, view_of, "satellite stood"),
    ],
)
def test_missing_angles_name_the_item_and_the_remedy(bare, given, ask, lacks):
    with pytest.raises(InputError, match=lacks) as caught:
        ask(bare(given))
    assert "S2_x" in str(caught.value)
    assert "imagery.brdf" in str(caught.value)


def test_a_sun_below_the_horizon_is_refused(bare):
    with pytest.raises(InputError, match="S2_x: the sun stands 95 degrees"):
        sun_of(bare({"view:sun_elevation": -5.0, "view:sun_azimuth": 0.0}))


def test_angles_are_asked_for_only_where_they_are_needed(bare):
    none, lit = ImagerySettings(), ImagerySettings(illumination="scs_c")
    above = ImagerySettings(brdf="c_factor")
    require_angles([bare({})], none)
    require_angles([bare(SUN)], lit)
    require_angles([bare({**SUN, **VIEW})], above)
    with pytest.raises(InputError, match="sun"):
        require_angles([bare({})], lit)
    with pytest.raises(InputError, match="satellite"):
        require_angles([bare(SUN)], above)
