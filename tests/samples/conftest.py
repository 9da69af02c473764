import geopandas as gpd
import pytest
import shapely

from bocage.grid import Block
from bocage.legend import Crosswalk, Legend, load_crosswalk

WEST, SOUTH = 4_000_000, 3_000_000


@pytest.fixture
def legend(tmp_path) -> Legend:
    path = tmp_path / "legend.csv"
    path.write_text(
        "code_1,name_1,code_2,name_2\n"
        "10,green,101,grass\n10,green,102,forest\n20,grey,201,road\n20,grey,202,rock\n"
    )
    return Legend.from_csv(path)


@pytest.fixture
def identity(legend) -> Crosswalk:
    return load_crosswalk("identity", legend)


@pytest.fixture
def block() -> Block:
    return Block("1kmE4000N3000", "10kmE400N300", WEST, SOUTH, 1000, 160)


@pytest.fixture
def polygons(tmp_path):
    """Write polygons given as (code, west, south, east, north) relative to the block."""

    def write(rows, name="layer", **attributes):
        frame = gpd.GeoDataFrame(
            {"code": [r[0] for r in rows], **attributes},
            geometry=[
                shapely.box(WEST + w, SOUTH + s, WEST + e, SOUTH + n) for _, w, s, e, n in rows
            ],
            crs=3035,
        )
        path = tmp_path / f"{name}.gpkg"
        frame.to_file(path)
        return path

    return write
