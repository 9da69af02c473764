"""Wrong input is named, never mapped: exit code 2 or 3, and nothing half-written."""

import json
import shutil

import geopandas as gpd
import numpy as np
import pytest
import shapely
from workflow_site import MONTHS, NORTH, SPECTRA, WEST, make_images, make_project, write

from bocage.cli import main
from bocage.imagery import build_catalog


@pytest.fixture
def refused(capsys):
    """Run a project and return exit code and message; nothing may be left half-written."""

    def call(path):
        with pytest.raises(SystemExit) as ended:
            main(["run", str(path), "--cluster", "none"])
        message = capsys.readouterr().err
        assert ended.value.code in (2, 3), message
        assert not (path.parent / "products").exists()
        left = [p for p in path.parent.rglob(".*") if p.is_dir()]
        assert not left, f"left behind: {left}"
        return ended.value.code, message

    return call


@pytest.fixture
def own_images(tmp_path):
    """A project with images of its own, to be spoilt."""
    folder = tmp_path / "images"
    make_images(folder, (2021, 2024))
    return folder, make_project(tmp_path / "site", folder)


def test_a_missing_band(tiny, edit, refused):
    code, message = refused(edit(tiny, **{"imagery.bands": ["B02", "B03", "B04", "B11"]}))
    assert code == 2
    assert "B11" in message


def test_shuffled_bands(own_images, refused):
    folder, project = own_images
    image = np.ones((4, 100, 100), np.uint16)
    write(folder / "S2_20210615.tif", image, ("B03", "B02", "B04", "B08"))
    code, message = refused(project)
    assert code == 2
    assert "S2_20210615.tif" in message
    assert "B03" in message


def test_a_missing_month(tiny, edit, refused):
    code, message = refused(edit(tiny, **{"imagery.months": [3, 5, 6, 8, 10]}))
    assert code == 2
    assert "May 2021" in message


def test_an_empty_catalogue(tiny, refused):
    catalog = tiny.parent / "catalog"
    text = json.loads((catalog / "catalog.json").read_text())
    text["links"] = [k for k in text["links"] if k["rel"] not in ("child", "item")]
    shutil.rmtree(catalog)
    catalog.mkdir()
    (catalog / "catalog.json").write_text(json.dumps(text))
    code, message = refused(tiny)
    assert code == 2
    assert "catalog.json" in message


def test_no_catalogue(tiny, edit, refused):
    code, message = refused(edit(tiny, **{"imagery.catalog": "nowhere.json"}))
    assert code == 2
    assert "nowhere.json" in message


def test_all_cloud(tmp_path, refused, edit):
    folder = tmp_path / "images"
    make_images(folder)
    for year in (2021, 2024):
        for month in MONTHS:
            cloud = np.full((100, 100), 9, np.uint8)
            write(folder / f"S2_{year}{month:02d}15_SCL.tif", cloud)
    project = make_project(tmp_path / "site", folder)
    code, message = refused(edit(project, **{"imagery.cloud_mask": "scl"}))
    assert code in (2, 3)
    assert "no clear observation" in message
    assert "2021" in message


def test_a_layer_without_crs(tiny, refused):
    write(tiny.parent / "reference_2021.tif", np.ones((100, 100), np.uint8), crs=None)
    code, message = refused(tiny)
    assert code == 2
    assert "reference_2021.tif" in message
    assert "coordinate reference system" in message


def test_images_in_a_crs_that_is_not_theirs(tmp_path, refused):
    folder = tmp_path / "images"
    make_images(folder)
    for path in folder.glob("*.tif"):
        write(
            path, np.ones((4, 100, 100), np.uint16), ("B02", "B03", "B04", "B08"), crs="EPSG:3857"
        )
    code, message = refused(make_project(tmp_path / "site", folder))
    assert code == 2
    assert "no image" in message or "outside" in message


def test_sites_outside_the_images(tiny, refused):
    far = gpd.GeoDataFrame(
        {"site_id": ["far"]},
        geometry=[shapely.box(WEST + 50_000, NORTH, WEST + 50_500, NORTH + 500)],
        crs="EPSG:3035",
    )
    far.to_file(tiny.parent / "sites.gpkg", layer="sites")
    code, message = refused(tiny)
    assert code == 2
    assert "outside" in message


def test_a_class_that_is_not_in_the_legend(tiny, refused):
    wrong = np.full((100, 100), 7, np.uint8)
    write(tiny.parent / "reference_2021.tif", wrong)
    code, message = refused(tiny)
    assert code == 2
    assert "7" in message
    assert "not in the legend" in message


def test_a_corrupt_image(own_images, refused):
    folder, project = own_images
    path = folder / "S2_20210615.tif"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    code, message = refused(project)
    assert code == 2
    assert "S2_20210615.tif" in message


def test_a_legend_with_duplicate_codes(tiny, refused):
    (tiny.parent / "legend.csv").write_text("code_1,name_1\n1,Water\n2,Wood\n2,Grass\n")
    code, message = refused(tiny)
    assert code == 2
    assert "duplicate code 2" in message


def test_samples_of_a_single_class(tiny, refused):
    write(tiny.parent / "reference_2021.tif", np.ones((100, 100), np.uint8))
    code, message = refused(tiny)
    assert code == 2
    assert "1 classes" in message


def test_a_corrupt_piece_of_work_is_made_again(tiny, edit):
    """Not an error: what a crash of the disk has spoilt is noticed and redone."""
    edit(tiny, **{"model.epochs": 1})
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            main(["run", str(tiny), "--cluster", "none", "--until", "imagery"])
        assert ended.value.code == 0
        mosaic = next((tiny.parent / "work" / "imagery" / "2021").glob("*.nc"))
        assert mosaic.stat().st_size > 1000
        mosaic.write_bytes(b"spoilt")


def test_the_spectra_of_the_tiny_place_differ():
    assert len({str(s) for s in SPECTRA.values()}) == len(SPECTRA)


def test_catalogue_of_a_folder_without_images(tmp_path):
    from bocage.errors import InputError

    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        build_catalog(tmp_path / "empty", tmp_path / "catalog.json")
