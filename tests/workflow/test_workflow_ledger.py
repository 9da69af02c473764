import os
import time

from bocage.files import sha256
from bocage.workflow import Ledger
from bocage.workflow._ledger import key_of


def test_a_finished_piece_is_found_until_its_file_or_key_changes(tmp_path):
    out = tmp_path / "result.txt"
    out.write_text("one")
    ledger = Ledger(tmp_path / "work" / "ledger.sqlite")
    ledger.done("change", "a", "k1", 1.5, 100.0, {"outputs": {str(out): sha256(out)}, "n": 3})

    assert ledger.is_done("change", "a", "k1")
    assert not ledger.is_done("change", "a", "k2")
    assert not ledger.is_done("change", "b", "k1")
    assert ledger.find("change", "a").facts["n"] == 3

    out.write_text("two")
    os.utime(out, ns=(time.time_ns(), time.time_ns() + 10_000_000))
    assert not ledger.is_done("change", "a", "k1")

    out.write_text("one")  # the same bytes again, at another time, are the same result
    assert ledger.is_done("change", "a", "k1")
    out.unlink()
    assert not ledger.is_done("change", "a", "k1")


def test_files_are_kept_relative_so_that_the_project_may_move(tmp_path):
    old = tmp_path / "old"
    (old / "work").mkdir(parents=True)
    out = old / "products.txt"
    out.write_text("x")
    Ledger(old / "work" / "ledger.sqlite").done(
        "products", "p", "k", 0, 0, {"outputs": {str(out): sha256(out)}}
    )
    old.rename(tmp_path / "new")
    assert Ledger(tmp_path / "new" / "work" / "ledger.sqlite").is_done("products", "p", "k")


def test_failures_are_recorded_and_replaced(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.failed("model", "train", "k", "no samples")
    assert ledger.find("model", "train").message == "no samples"
    assert not ledger.is_done("model", "train", "k")
    ledger.done("model", "train", "k", 1, 1, {})
    assert [r.state for r in ledger.records()] == ["done"]


def test_keys_depend_on_every_part_and_on_nothing_else():
    one = key_of(settings={"a": 1, "b": (2, 3)}, inputs=["x"])
    assert one == key_of(inputs=["x"], settings={"b": [2, 3], "a": 1})
    assert one != key_of(settings={"a": 1, "b": (3, 2)}, inputs=["x"])
