import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse

import numpy as np
import pytest

from bocage.errors import InputError
from bocage.imagery import ImagerySettings, build_catalog, save_items, search

HERE = (4_000_000, 2_999_940, 4_000_060, 3_000_000)
B02 = ImagerySettings(bands=("B02",), cloud_mask="none", allow_missing_months=True)


@pytest.fixture
def folder(tmp_path, image):
    for day in ("20210505", "20210610", "20200801"):
        image(tmp_path / "img" / f"S2_{day}_B02.tif", [np.ones((6, 6), np.uint16)])
    return tmp_path / "img"


@pytest.fixture
def catalog(folder, tmp_path):
    return build_catalog(folder, tmp_path / "catalog.json")


def test_a_static_catalogue_is_walked(catalog, folder):
    found = search(catalog, B02, HERE, 2021)
    assert [i.id for i in found] == ["S2_20210505", "S2_20210610"]
    assert found[0].assets["B02"].href == str(folder / "S2_20210505_B02.tif")


def test_an_item_collection_and_a_collection_are_catalogues_too(catalog, tmp_path):
    found = search(catalog, B02, HERE, 2021)
    path = save_items(found, tmp_path / "items.json")
    assert [i.id for i in search(path, B02, HERE, 2021)] == [i.id for i in found]
    collection = tmp_path / "catalog" / "collection.json"
    assert [i.id for i in search(collection, B02, HERE, 2021)] == [i.id for i in found]
    single = tmp_path / "catalog" / "items" / "S2_20210505.json"
    assert [i.id for i in search(single, B02, HERE, 2021)] == ["S2_20210505"]


def test_years_around_widen_the_period(catalog):
    wide = ImagerySettings(bands=("B02",), cloud_mask="none", years_around=1)
    assert len(search(catalog, wide, HERE, 2021)) == 3


def test_a_missing_catalogue_is_named(tmp_path):
    with pytest.raises(InputError, match=r"imagery\.catalog: no such file: .*none\.json"):
        search(tmp_path / "none.json", B02, HERE, 2021)


def test_a_folder_is_no_catalogue(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        search(tmp_path, B02, HERE, 2021)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "is not JSON"),
        ('{"type": "FeatureCollection", "features": []}', "holds no item"),
        ('{"type": "Catalog", "id": "c", "description": "c", "stac_version": "1.1.0", "links": []}',
         "holds no item"),
        ('{"a": 1}', "no STAC catalogue"),
    ],
)  # fmt: skip
def test_an_empty_or_foreign_file_is_named(tmp_path, text, message):
    path = tmp_path / "catalog.json"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"catalog\.json.*{message}"):
        search(path, B02, HERE, 2021)


def test_a_broken_link_is_named(catalog, tmp_path):
    (tmp_path / "catalog" / "items" / "S2_20210505.json").unlink()
    with pytest.raises(InputError, match=r"read to the end.*S2_20210505\.json"):
        search(catalog, B02, HERE, 2021)


def test_an_absent_collection_is_named_with_what_there_is(catalog):
    other = ImagerySettings(bands=("B02",), cloud_mask="none", collection="landsat")
    with pytest.raises(InputError, match="no collection 'landsat'; it has: sentinel-2-l2a"):
        search(catalog, other, HERE, 2021)


def test_sites_outside_the_images_are_named(catalog):
    with pytest.raises(InputError, match=r"no image touches the area .* lie outside the images"):
        search(catalog, B02, (4_500_000, 2_000_000, 4_500_100, 2_000_100), 2021)


def test_a_period_without_images_is_named(catalog):
    with pytest.raises(
        InputError, match=r"period Jan 2015 to Dec 2015; .*2020-08-01 to 2021-06-10"
    ):
        search(catalog, B02, HERE, 2015)


def test_a_missing_band_is_named_with_its_items(catalog):
    two = ImagerySettings(bands=("B02", "B8A"), cloud_mask="none")
    with pytest.raises(InputError, match=r"band B8A is missing in 2 item\(s\): S2_20210505, S2_2"):
        search(catalog, two, HERE, 2021)
    with pytest.raises(InputError, match="band scl is missing"):
        search(catalog, ImagerySettings(bands=("B02",)), HERE, 2021)


def test_cloudy_images_are_left_out(catalog, tmp_path):
    items = search(catalog, B02, HERE, 2021)
    items[0].properties["eo:cloud_cover"] = 80
    path = save_items(items, tmp_path / "items.json")
    some = ImagerySettings(bands=("B02",), cloud_mask="none", max_cloud_cover=50)
    assert [i.id for i in search(path, some, HERE, 2021)] == ["S2_20210610"]
    for item in items:
        item.properties["eo:cloud_cover"] = 80
    path = save_items(items, tmp_path / "items.json")
    with pytest.raises(InputError, match="all 2 images of the period are cloudier than 50 %"):
        search(path, some, HERE, 2021)


class _Api(BaseHTTPRequestHandler):
    """The least that pystac-client accepts as a STAC API."""

    features: list = []  # noqa: RUF012
    queries: list = []  # noqa: RUF012
    broken = False

    def log_message(self, *args):
        pass

    def do_GET(self):
        url = urlparse(self.path)
        base = f"http://127.0.0.1:{self.server.server_port}"
        if url.path == "/collections":
            self.answer({"collections": [self.collection(base)], "links": []})
        elif url.path == "/":
            self.answer(self.landing(base))
        else:
            self.send_error(404)

    def do_POST(self):
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.broken:
            self.send_error(500)
        else:
            self.answer(self.found(query))

    def found(self, query):
        type(self).queries.append(query)
        west, south, east, north = query["bbox"]
        start, end = query["datetime"].split("/") if "datetime" in query else ("0", "9")
        hits = [
            f
            for f in self.features
            if f["bbox"][0] <= east and f["bbox"][2] >= west
            and f["bbox"][1] <= north and f["bbox"][3] >= south
            and start <= f["properties"]["datetime"] <= end
        ]  # fmt: skip
        return {"type": "FeatureCollection", "features": hits, "links": []}

    @staticmethod
    def collection(base):
        return {
            "type": "Collection", "id": "sentinel-2-l2a", "stac_version": "1.0.0",
            "description": "x", "license": "other", "links": [],
            "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]},
                       "temporal": {"interval": [[None, None]]}},
        }  # fmt: skip

    @staticmethod
    def landing(base):
        links = [
            ("self", "/", "GET"),
            ("root", "/", "GET"),
            ("data", "/collections", "GET"),
            ("search", "/search", "POST"),
        ]
        core = "https://api.stacspec.org/v1.0.0/"
        return {
            "type": "Catalog", "id": "api", "stac_version": "1.0.0", "description": "x",
            "conformsTo": [core + c for c in ("core", "item-search", "collections")],
            "links": [
                {"rel": r, "href": base + h, "type": "application/geo+json", "method": m}
                for r, h, m in links
            ],
        }  # fmt: skip

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def api(catalog):
    every = ImagerySettings(bands=("B02",), cloud_mask="none", years_around=1)
    _Api.features = [i.to_dict(transform_hrefs=False) for i in search(catalog, every, HERE, 2021)]
    for feature in _Api.features:
        feature["links"] = []
    _Api.queries = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_api_is_asked_for_area_and_period(api):
    found = search(api, B02, HERE, 2021)
    assert [i.id for i in found] == ["S2_20210505", "S2_20210610"]
    query = _Api.queries[0]
    assert query["collections"] == ["sentinel-2-l2a"]
    assert query["datetime"] == "2021-01-01T00:00:00Z/2021-12-31T23:59:59Z"


def test_an_api_without_the_collection_area_or_period(api):
    other = ImagerySettings(bands=("B02",), cloud_mask="none", collection="landsat")
    with pytest.raises(InputError, match="no collection 'landsat'; it has: sentinel-2-l2a"):
        search(api, other, HERE, 2021)
    with pytest.raises(InputError, match="no image touches the area"):
        search(api, B02, (4_500_000, 2_000_000, 4_500_100, 2_000_100), 2021)
    with pytest.raises(InputError, match="no image of the area in the period"):
        search(api, B02, HERE, 2015)


def test_an_api_that_fails_or_is_not_there(api, monkeypatch):
    monkeypatch.setattr(_Api, "broken", True)
    with pytest.raises(InputError, match="does not answer as a STAC API"):
        search(api, B02, HERE, 2021)
    with pytest.raises(InputError, match="does not answer as a STAC API"):
        search("http://127.0.0.1:9/", B02, HERE, 2021)


def test_a_static_catalogue_behind_a_url_that_is_not_there():
    with pytest.raises(InputError, match="no STAC catalogue that can be read"):
        search("http://127.0.0.1:9/catalog.json", B02, HERE, 2021)
