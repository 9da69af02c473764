import os
import pickle
import socket
from pathlib import Path

import pytest

from bocage.errors import ConfigError, InputError, RunError
from bocage.workflow import Piece, carry_out, open_engine
from bocage.workflow._engine import DaskEngine, ProcessEngine, SerialEngine


def write(path: Path, text: str) -> dict[str, int]:
    path.write_text(text)
    return {"length": len(text)}


def refuse(path: Path) -> None:
    import rasterio

    try:
        rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:  # a cause that cannot be pickled
        raise InputError(f"{path} is wrong", remedy="mend it") from error


def die() -> None:
    os._exit(9)


def pieces(folder: Path) -> list[Piece]:
    good = [
        Piece(
            "room",
            f"p{i}",
            write,
            {"path": folder / f"{i}.txt", "text": "x" * i},
            (folder / f"{i}.txt",),
        )
        for i in range(3)
    ]
    return [*good, Piece("room", "bad", refuse, {"path": folder / "b"}, ())]


def check(outcomes, folder):
    found = {o.piece.id: o for o in outcomes}
    assert found["p2"].facts["length"] == 2
    assert set(found["p2"].facts["outputs"]) == {str(folder / "2.txt")}
    assert found["p2"].peak_rss_mb > 10
    assert isinstance(found["bad"].error, InputError)
    assert found["bad"].error.remedy == "mend it"


def test_serial(tmp_path):
    with open_engine("none") as engine:
        assert isinstance(engine, SerialEngine)
        check(engine.run(pieces(tmp_path)), tmp_path)


@pytest.mark.slow
def test_process_pool(tmp_path):
    with ProcessEngine(2) as engine:
        check(engine.run(pieces(tmp_path)), tmp_path)
        assert list(engine.run([])) == []


@pytest.mark.slow
def test_a_dead_worker_is_named(tmp_path):
    with ProcessEngine(1) as engine, pytest.raises(RunError, match="worker process died"):
        list(engine.run([Piece("room", "x", die, {}, ())]))


@pytest.mark.slow
def test_dask_cluster_on_this_machine(tmp_path):
    with open_engine("local:1") as engine:
        assert isinstance(engine, DaskEngine)
        assert engine.workers == 1
        check(engine.run(pieces(tmp_path)), tmp_path)


def test_default_is_a_process_pool():
    assert isinstance(open_engine(None), ProcessEngine)


def test_wrong_clusters_are_named():
    with pytest.raises(ConfigError, match="--cluster mainframe"):
        open_engine("mainframe")


def test_a_silent_scheduler_is_named(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = DaskEngine(f"tcp://127.0.0.1:{port}", timeout="1s")
    with pytest.raises(ConfigError, match="no Dask scheduler answers"), engine:
        pass


def test_errors_of_others_are_not_hidden(tmp_path):
    with pytest.raises(FileNotFoundError):
        carry_out(Piece("room", "x", write, {"path": tmp_path / "no" / "f", "text": ""}, ()))


def test_outcomes_can_be_pickled(tmp_path):
    outcome = carry_out(Piece("room", "bad", refuse, {"path": tmp_path}, ()))
    assert str(pickle.loads(pickle.dumps(outcome)).error) == str(outcome.error)
