from __future__ import annotations

import numpy as np

from bocage.reflectance import doubtful


def test_what_is_doubtful_about_a_band() -> None:
    sound = np.linspace(0.01, 0.6, 100)
    assert doubtful(sound) == ()
    assert doubtful(np.full(5, 0.2)) == ("constant",)
    assert doubtful(np.array([0.2])) == ()
    few, many = sound.copy(), sound.copy()
    few[:10], many[:11] = -0.05, -0.05  # a tenth, and more
    assert doubtful(few) == ()
    assert doubtful(many) == ("negative",)
    many[50:] = 1.5
    assert doubtful(many) == ("negative", "bright")
