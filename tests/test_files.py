import hashlib
import os

import pytest

from bocage.errors import InputError
from bocage.files import atomic_path, existing, sha256, write_text


def test_a_file_appears_whole(tmp_path):
    target = tmp_path / "new" / "deep" / "file.tif"
    with atomic_path(target) as part:
        assert part.suffix == ".tif"
        part.write_bytes(b"abc")
        assert not target.exists()
    assert target.read_bytes() == b"abc"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("old")

    def fail():
        with atomic_path(target) as part:
            part.write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "file.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_text_is_utf8_with_plain_line_ends(tmp_path):
    path = write_text(tmp_path / "a.txt", "haie é\nfossé\n")
    assert path.read_bytes() == "haie é\nfossé\n".encode()
    write_text(path, "new")
    assert path.read_text() == "new"


def test_digest(tmp_path):
    data = bytes(range(256)) * 5000  # more than one chunk
    (tmp_path / "a").write_bytes(data)
    assert sha256(tmp_path / "a") == hashlib.sha256(data).hexdigest()


def test_existing(tmp_path):
    assert existing(str(tmp_path), "folder") == tmp_path
    with pytest.raises(InputError, match=r"samples.sources\[0\].layer: no such file: .*none.tif"):
        existing(tmp_path / "none.tif", "samples.sources[0].layer")


def test_what_is_read_without_end_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.gpkg")
    with pytest.raises(InputError, match=r"file to check: neither a file nor a folder: .*a.gpkg"):
        existing(tmp_path / "a.gpkg", "file to check")
