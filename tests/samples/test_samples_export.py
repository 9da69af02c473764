import geopandas as gpd
import numpy as np
import pyogrio
import pytest

from bocage.errors import InputError
from bocage.samples import COLUMNS, empty_samples, export_samples
from bocage.samples._table import samples_frame


def table(places, **changes):
    """Cubes of two points, 2 m apart, by the coordinates of the first."""
    n = 2 * len(places)
    columns = {
        "sample_id": [f"c{i}P{j}" for i in range(len(places)) for j in (0, 1)],
        "cube": np.repeat([f"c{i}" for i in range(len(places))], 2),
        "code": 101, "allowed": "101", "weight": 0.5, "source": "s", "reliability": 3,
        "region": "alpine", "fold": 1, "year": 0, "block": "b", **changes,
    }  # fmt: skip
    x, y = np.repeat(np.array(places, float), 2, axis=0).T
    return samples_frame(columns, x + np.tile([0.0, 2.0], n // 2), y)


def test_a_file_for_each_tile_holds_all_columns(tmp_path):
    # The second cube lies across the eastern border of the tile, its centre is still inside.
    samples = table([(4_000_500, 3_000_500), (4_009_998.5, 3_000_000), (4_010_001, 3_000_500)])
    paths = export_samples(samples, tmp_path / "out")
    assert [p.name for p in paths] == [
        "samples_10kmE400N300.gpkg", "samples_10kmE401N300.gpkg",
    ]  # fmt: skip
    assert pyogrio.list_layers(paths[0])[:, 0].tolist() == ["samples"]
    first, second = (gpd.read_file(p) for p in paths)
    assert set(first["cube"]) == {"c0", "c1"}
    assert second["sample_id"].tolist() == ["c2P0", "c2P1"]
    assert list(first.columns) == [*COLUMNS, "geometry"]
    assert first.crs.to_epsg() == 3035
    assert first["weight"].tolist() == [0.5] * 4
    assert (first.geometry.x - [4_000_500, 4_000_502, 4_009_998.5, 4_010_000.5]).abs().max() < 1e-6
    assert {p.name for p in (tmp_path / "out").iterdir()} == {p.name for p in paths}


def test_equal_samples_give_equal_bytes(tmp_path):
    samples = table([(4_000_500, 3_000_500), (4_000_600, 3_000_500)])
    (first,) = export_samples(samples, tmp_path / "a")
    (second,) = export_samples(samples.iloc[::-1], tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_without_samples_nothing_is_written(tmp_path):
    assert export_samples(empty_samples(), tmp_path / "out") == ()
    with pytest.raises(InputError, match="missing column weight"):
        export_samples(table([(0, 0)]).drop(columns="weight"), tmp_path)
