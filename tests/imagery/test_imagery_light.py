import numpy as np
import pytest

from bocage.errors import InputError
from bocage.imagery import Response, load_lighting, save_lighting
from bocage.imagery._angles import Direction
from bocage.imagery._ground import Ground
from bocage.imagery._light import fit_response, level

SUN = Direction(60, 180)


def tilted(*degrees: float) -> Ground:
    """Slopes that fall to the south (above 0) or the north by so many degrees."""
    angle = np.radians(np.array([degrees], np.float32))
    return Ground(np.zeros_like(angle), -np.sin(angle), np.cos(angle))


def test_the_response_of_a_perfect_slope():
    cosine = np.linspace(0.1, 1, 50, dtype=np.float32)
    assert fit_response(0.1 + 0.3 * cosine, cosine) == Response(
        pytest.approx(0.1, abs=1e-6), pytest.approx(0.4, abs=1e-6)
    )


def test_no_end_of_a_response_is_negative():
    cosine = np.linspace(0.1, 1, 50, dtype=np.float32)
    found = fit_response(-0.1 + 0.5 * cosine, cosine)
    assert found.shade == 0
    assert found.lit > 0
    assert fit_response(np.full(50, -0.01, np.float32), cosine) == Response(0, 0)


@pytest.mark.parametrize("upright", [True, False])
def test_level_ground_is_left_alone(upright):
    assert level(Response(0.1, 0.4), tilted(0, 0), SUN, upright).tolist() == [[1, 1]]


def test_factors_by_hand():
    # 30 degrees to the sun: incidence 30; away from it: 90, in its own shade.
    response = Response(0.1, 0.3)
    lean = level(response, tilted(30, -30), SUN, upright=False)
    stand = level(response, tilted(30, -30), SUN, upright=True)
    c30 = np.cos(np.radians(30))
    assert lean[0, 0] == pytest.approx((0.2 * 0.5 + 0.1) / (0.2 * c30 + 0.1), abs=1e-6)
    assert stand[0, 0] == pytest.approx((0.2 * 0.5 * c30 + 0.1) / (0.2 * c30 + 0.1), abs=1e-6)
    assert np.isnan(lean[0, 1])
    assert np.isnan(stand[0, 1])


def test_what_does_not_respond_is_not_changed():
    for response in (Response(0.2, 0.2), Response(0, 0)):
        assert level(response, tilted(20, -10), SUN, upright=False).tolist() == [[1, 1]]


def test_what_was_turned_too_far_is_turned_back():
    # A processor that made shade too bright: the response falls.
    factor = level(Response(0.4, 0.2), tilted(20, -20), SUN, upright=False)
    assert factor[0, 0] > 1 > factor[0, 1]


def test_noise_in_the_dark_is_not_blown_up():
    # Incidence 83 degrees without any light of the sky: more than tripled.
    factor = level(Response(0, 0.3), tilted(-23), SUN, upright=False)
    assert np.isnan(factor).all()


def test_what_was_found_is_kept_in_a_file(tmp_path):
    lighting = {"2021-06-01": {"B02": Response(0.01, 0.0625)}, "2021-06-06": {}}
    assert load_lighting(save_lighting(lighting, tmp_path / "l.json")) == lighting
    with pytest.raises(InputError, match="lighting"):
        load_lighting(tmp_path / "none.json")
