from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import products_parts as parts
import pytest

from bocage.products import CheckReport, Delivery, check, write_boundary


@pytest.fixture(scope="session")
def pa() -> Delivery:
    return parts.delivery()


@pytest.fixture
def clean() -> gpd.GeoDataFrame:
    return parts.layer()


@pytest.fixture(scope="session")
def boundary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boundary")
    return write_boundary(parts.AREA, parts.delivery().unit, folder)


@pytest.fixture
def checked(tmp_path: Path, boundary: Path):
    """Write a layer and check it."""

    def run(frame: gpd.GeoDataFrame, **options: object) -> CheckReport:
        return check(parts.save(frame, tmp_path, **options), parts.PRODUCT, boundary=boundary)

    return run
