import json

import numpy as np
import pytest

from benchmarks import frames


def scores(**psnr):
    return {name: dict.fromkeys(frames.FIGURES, psnr.get(name, 30.0)) for name in frames.METHODS}


def test_gains_and_their_interval_by_hand():
    areas = [scores(frames=31.0), scores(frames=32.0), scores(frames=33.0)]
    mean, half = frames.gains(areas, "default")["frames"]["psnr"]
    assert mean == pytest.approx(2.0)
    assert half == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)  # t of two degrees of freedom
    assert frames.gains(areas, "frames")["default"]["detail"][0] == pytest.approx(-2.0)


def test_the_table_has_a_row_for_each_method():
    told = frames.show([scores(frames=31.0), scores(frames=31.0)]).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in told[2:]] == list(frames.METHODS)
    row = next(line for line in told if line.startswith("| frames"))
    assert "psnr +1.00 ± 0.00" in row
    assert row.endswith("| +1.00 ± 0.00 |")


def test_what_is_foreseen_better_is_told_in_decibels():
    told = frames.show_real({"default": [0.02, 0.02], "frames": [0.01, 0.01]})
    assert "| default | 200.0 | 6.02 ± 0.00 dB |" in told
    assert told.startswith("2 dates")


@pytest.mark.slow
def test_a_small_area_is_measured(capsys):
    frames.main(["--areas", "steppic:73", "--side", "300", "--json"])
    found = json.loads(capsys.readouterr().out)["steppic:73"]
    assert set(found) == set(frames.METHODS)
    assert found["frames"]["detail"] > found["ignored"]["detail"]
    assert found["frames"]["detail"] > found["default"]["detail"]
