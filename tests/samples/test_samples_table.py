import geopandas as gpd
import numpy as np
import pytest

from bocage.errors import InputError
from bocage.samples import (
    COLUMNS,
    SamplingRules,
    collect,
    empty_samples,
    read_samples,
    summary,
    write_samples,
)
from bocage.samples._table import samples_frame


def table(cubes, code=101, allowed="101", points=2):
    n = len(cubes) * points
    columns = {
        "sample_id": [f"{c}P{i}" for c in cubes for i in range(points)],
        "cube": np.repeat(cubes, points),
        "code": code,
        "allowed": allowed,
        "weight": 0.5,
        "source": "s",
        "reliability": 3,
        "region": "alpine",
        "fold": [i % 5 for i in range(n)],
        "year": 0,
        "block": "b",
    }
    return samples_frame(columns, np.arange(n, dtype=float), np.zeros(n))


def test_round_trip_and_equal_bytes(tmp_path):
    samples = table(["c2", "c1"])
    first = write_samples(samples, tmp_path / "a.parquet")
    second = write_samples(samples.iloc[::-1], tmp_path / "b.parquet")
    assert first.read_bytes() == second.read_bytes()
    found = read_samples(first)
    assert found["sample_id"].tolist() == ["c1P0", "c1P1", "c2P0", "c2P1"]
    assert list(found.columns) == [*COLUMNS, "geometry"]
    assert found.crs.to_epsg() == 3035
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_empty_table_round_trip(tmp_path):
    found = read_samples(write_samples(empty_samples(), tmp_path / "e.parquet"))
    assert len(found) == 0
    assert {c: str(found[c].dtype) for c in COLUMNS} == {
        c: str(empty_samples()[c].dtype) for c in COLUMNS
    }


def test_collect_keeps_whole_cubes():
    frames = [table([f"c{i}" for i in range(10)]), empty_samples(), table(["d0"], 102, "102")]
    everything = collect(frames)
    assert len(everything) == 22
    assert everything["sample_id"].is_monotonic_increasing
    few = collect(reversed(frames), SamplingRules(max_per_class=3), seed=1)
    assert few.groupby("cube").size().eq(2).all()
    assert few.groupby("allowed")["cube"].nunique().to_dict() == {"101": 3, "102": 1}
    assert few.equals(collect(frames, SamplingRules(max_per_class=3), seed=1))
    other = collect(frames, SamplingRules(max_per_class=3), seed=2)
    assert set(other["cube"]) != set(few["cube"])
    assert len(collect([])) == 0


def test_collect_refuses_a_block_twice():
    with pytest.raises(InputError, match="sample c0P0 occurs twice"):
        collect([table(["c0"]), table(["c0"])])


def test_summary_counts_every_class(legend):
    samples = collect([table(["a", "b"]), table(["c"], 0, "102;201")])
    found = summary(samples, legend).set_index("code")
    assert found.index.tolist() == [101, 102, 201, 202]
    assert found["cubes"].tolist() == [2, 0, 0, 0]
    assert found["points"].tolist() == [4, 0, 0, 0]
    assert found["weight"].tolist() == [2.0, 0, 0, 0]
    assert found["folds"].tolist() == [4, 0, 0, 0]
    assert found["shared_points"].tolist() == [0, 2, 2, 0]
    assert summary(empty_samples(), legend)["points"].sum() == 0


def test_wrong_tables_are_named(tmp_path):
    samples = table(["a"])
    with pytest.raises(InputError, match="missing column fold"):
        write_samples(samples.drop(columns="fold"), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="not in EPSG:3035"):
        write_samples(samples.to_crs(4326), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="a geometry is no point"):
        write_samples(samples.set_geometry(samples.buffer(1)), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="no such file"):
        read_samples(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_text("nothing")
    with pytest.raises(InputError, match="cannot be read as GeoParquet"):
        read_samples(tmp_path / "b.parquet")
    gpd.GeoDataFrame(samples[["cube", "geometry"]]).to_parquet(tmp_path / "c.parquet")
    with pytest.raises(InputError, match=r"c.parquet: missing column sample_id"):
        read_samples(tmp_path / "c.parquet")
