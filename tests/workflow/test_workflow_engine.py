import os
import pickle
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
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


PARENT = """
import sys, time
from pathlib import Path
from test_workflow_engine import say_who
from bocage.workflow import Piece
from bocage.workflow._engine import ProcessEngine
if __name__ == "__main__":
    with ProcessEngine(2) as engine:
        path = Path(sys.argv[1])
        list(engine.run([Piece("room", "a", say_who, {"path": path}, (path,))]))
        time.sleep(60)
"""


def say_who(path: Path) -> None:
    path.write_text(str(os.getpid()))


@pytest.mark.slow
def test_workers_do_not_outlive_a_killed_run(tmp_path):
    script, told = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(PARENT)
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    parent = subprocess.Popen([sys.executable, str(script), str(told)], env=here)
    try:
        wait_until(lambda: told.exists() and told.read_text())
    finally:
        parent.kill()
        parent.wait()
    worker = int(told.read_text())
    wait_until(lambda: not alive(worker))


def alive(pid: int) -> bool:
    try:
        return "zombie" not in psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return False


def wait_until(done, seconds=60):
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.05)


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
