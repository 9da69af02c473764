import json
import os

import numpy as np
import pytest

from bocage.errors import InputError
from bocage.imagery import items_digest, load_items, save_items


@pytest.fixture
def items(tmp_path, image, item):
    path = image(tmp_path / "data" / "a.tif", [np.ones((4, 4), np.uint16)])
    return [item(n, "2021-05-05T10:00:00", {"B02": path}) for n in ("b", "a")]


def test_items_come_back_from_the_file(tmp_path, items):
    path = save_items(items, tmp_path / "work" / "items.json")
    back = load_items(path)
    assert [i.id for i in back] == ["a", "b"]
    assert back[0].assets["B02"].href == str(tmp_path / "data" / "a.tif")
    assert back[0].collection_id == "sentinel-2-l2a"
    assert items_digest(back) == items_digest(items)
    first = path.read_bytes()
    assert save_items(back[::-1], path).read_bytes() == first


def test_relative_addresses_are_relative_to_the_file(tmp_path, items):
    path = save_items(items, tmp_path / "items.json")
    value = json.loads(path.read_text())
    value["features"][0]["assets"]["B02"]["href"] = "data/../data/a.tif"
    path.write_text(json.dumps(value))
    assert load_items(path)[0].assets["B02"].href == str(tmp_path / "data" / "a.tif")


def test_the_digest_follows_content_and_not_order(tmp_path, items):
    before = items_digest(items)
    assert items_digest(items[::-1]) == before
    assert items_digest(items[:1]) != before
    items[0].properties["updated"] = "2024-01-01T00:00:00Z"
    changed = items_digest(items)
    assert changed != before
    os.utime(tmp_path / "data" / "a.tif", ns=(1, 1))
    assert items_digest(items) != changed


def test_remote_and_missing_files_have_no_stamp(items):
    items[0].assets["B02"].href = "https://example.invalid/a.tif"
    items[1].assets["B02"].href = "/nowhere/a.tif"
    assert len(items_digest(items)) == 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "is no ItemCollection"),
        ('{"type": "FeatureCollection", "features": [{"type": "Feature"}]}', "no STAC item"),
    ],
)
def test_a_broken_file_is_named(tmp_path, text, message):
    path = tmp_path / "items.json"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"items\.json.*{message}"):
        load_items(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no such file: .*items\.json"):
        load_items(tmp_path / "items.json")
