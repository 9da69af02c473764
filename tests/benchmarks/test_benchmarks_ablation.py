import json

import numpy as np
import pytest

from benchmarks import ablation
from benchmarks._ablation_measures import (
    Truth,
    boundary,
    boundary_f1,
    class_scores,
    linear_objects,
    small_objects,
)
from benchmarks._ablation_scene import prepare, series_of, true_months
from benchmarks._ablation_table import table
from bocage.legend import OUTSIDE


def ground(side=40, rim=6):
    """One class inside a rim of nothing."""
    classes = np.full((side, side), OUTSIDE, np.uint8)
    classes[rim:-rim, rim:-rim] = 1
    return classes


def test_scores_of_classes_by_hand():
    truth = np.array([1, 1, 1, 2, 2, 2], np.uint8)
    mapped = np.array([1, 1, 2, 2, 2, 3], np.uint8)
    found = class_scores(mapped, truth)
    assert found["oa"] == pytest.approx(4 / 6)
    assert found["macro_f1"] == pytest.approx((4 / 5 + 4 / 6) / 2)  # the third does not occur
    assert found["miou"] == pytest.approx((2 / 3 + 2 / 4) / 2)


def test_a_boundary_within_reach_is_found():
    truth = ground()
    truth[:, 20:][truth[:, 20:] == 1] = 2
    inside = truth != OUTSIDE
    edges = boundary(truth, inside)
    assert (np.flatnonzero(edges.any(axis=0)) == [19]).all()
    assert edges.sum() == inside[:, 19].sum()
    for shift, low, high in ((0, 1.0, 1.0), (1, 1.0, 1.0), (2, 0.0, 1.0), (5, 0.0, 0.0)):
        moved = np.roll(edges, shift, axis=1)
        assert boundary_f1(moved, edges, 2.5) == low
        assert boundary_f1(moved, edges, 10.0) == high
    # Half of what is drawn is not there: precision 1/2, recall 1.
    doubled = edges | np.roll(edges, 10, axis=1)
    assert boundary_f1(doubled, edges, 2.5) == pytest.approx(2 / 3)
    assert boundary_f1(np.zeros_like(edges), edges, 2.5) == 0
    assert np.isnan(boundary_f1(edges, np.zeros_like(edges), 2.5))


def test_small_things_are_whole_and_small():
    truth = ground(60)
    truth[10:14, 10:14] = 2  # 0.01 ha
    truth[20:23, 10:15] = 2  # 15 pixels are too few
    truth[30:50, 30:40] = 2  # 0.125 ha is too much
    truth[6:12, 40:46] = 2  # goes on outside
    found = small_objects(truth)
    assert found.max() == 1
    assert (found[10:14, 10:14] == 1).all()
    assert (found > 0).sum() == 16


def test_narrow_things_are_lines_and_wide_ones_are_not():
    truth = ground(120)
    truth[20, 10:100] = 2  # 2.5 m wide
    truth[30:33, 10:100] = 3  # 7.5 m
    truth[40:44, 10:100] = 4  # 10 m
    truth[50:53, 10:20] = 5  # 25 m long, but too small
    truth[60:63, 4:100][truth[60:63, 4:100] != OUTSIDE] = 3  # goes on outside
    y, x = np.indices(truth.shape)
    truth[(y > 66) & (y - 66 < x / 3) & (x < 100) & (truth != OUTSIDE)] = 6  # a slanted edge
    found = linear_objects(truth)
    lines = {n: sorted(set(truth[found == n].tolist())) for n in range(1, found.max() + 1)}
    assert sorted(map(tuple, lines.values())) == [(2,), (3,), (3,)]
    assert (found[20, 10:100] > 0).all()


def test_recall_is_the_mean_over_things():
    truth = ground(80)
    truth[10:14, 10:14], truth[30:40, 30:40] = 2, 3
    mapped = truth.copy()
    mapped[10:14, 10:12] = 1
    found = Truth(truth, truth != OUTSIDE).scores(mapped)
    assert found["recall_small"] == pytest.approx((0.5 + 1) / 2)
    assert np.isnan(found["recall_linear"])
    assert Truth(truth, truth != OUTSIDE).scores(truth)["boundary_f1_2.5"] == 1


def test_table_has_differences_and_the_share_of_the_gap():
    def area(ours):
        figures = {"bicubic": 0.4, "default": ours, "truth": 0.6}
        scores = {
            name: {view: {"miou": v, "boundary_f1_5": v} for view in ("averaged", "single")}
            for name, v in figures.items()
        }
        objects = {"small": 3, "linear": 4}
        return {"region": "boreal", "seed": 1, "area_km2": 1, "samples": 5, "classes": 6,
                "objects": objects, "scores": scores}  # fmt: skip

    said = table([area(0.44), area(0.46)])
    assert "| default | +5.0 ± 12.7 |" in said
    assert "averaged, boundary_f1_5: 25 % of the gap to truth closed (by area 20, 30)" in said


@pytest.mark.slow
def test_a_tiny_area_is_measured_once_and_kept(tmp_path, capsys):
    pytest.importorskip("torch")
    words = [
        "--areas",
        "continental:3",
        "--size",
        "1",
        "--epochs",
        "1",
        "--inputs",
        "bicubic",
        "default",
    ]
    words += ["--keep", str(tmp_path), "--json"]
    ablation.main(words)
    said = json.loads(capsys.readouterr().out)
    (area,) = said["areas"]
    assert list(area["scores"]) == ["bicubic", "default"]
    for views in area["scores"].values():
        assert list(views) == ["averaged", "single"]
        for scores in views.values():
            assert 0 < scores["miou"] < scores["oa"] < 1
            within = [scores[f"boundary_f1_{t}"] for t in ("2.5", "5", "10")]
            assert within == sorted(within)
    ablation.main(words)
    again = json.loads(capsys.readouterr().out)
    assert again["areas"][0]["scores"] == area["scores"]
    assert again["areas"][0]["seconds"]["default"] < 5
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(said))
    ablation.main(["--table", str(kept)])
    assert "points ahead of bicubic" in capsys.readouterr().out

    # The ground lies where the mosaic lies, and what is finer than 10 m is in it alone.
    scene = prepare(tmp_path / "continental_3", "continental", 3, 1.0)
    seen = scene.mosaic["gap"].values == 0
    month = int(seen.sum(axis=(1, 2)).argmax())
    image = list(true_months(scene))[month]
    ten = image.reshape(10, seen.shape[1], 4, seen.shape[2], 4).mean(axis=(2, 4))
    mosaic = scene.mosaic["reflectance"].values[month]
    away = {s: np.abs(np.roll(ten, s, axis=2) - mosaic)[:, seen[month]].mean() for s in (-2, 0, 2)}
    assert away[0] < min(away[-2], away[2])
    repeated, true = (series_of(scene, n)["reflectance"].values[month] for n in ("ten", "truth"))
    assert np.array_equal(repeated[:, ::4], repeated[:, 3::4], equal_nan=True)
    assert np.array_equal(true, image)
