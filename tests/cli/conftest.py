"""A raster to map, and the command line as a function."""

import numpy as np
import pytest
import rasterio
from workflow_site import NORTH, WEST, truth, write

from bocage.cli import main


@pytest.fixture
def raster(tmp_path):
    fine = np.kron(truth(2021), np.ones((4, 4), np.uint8))
    grid = rasterio.transform.from_origin(WEST, NORTH, 2.5, 2.5)
    write(tmp_path / "classes.tif", fine, transform=grid)
    return tmp_path / "classes.tif"


@pytest.fixture
def run():
    """Call a command; its exit code."""

    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(w) for w in words])
        return ended.value.code

    return call
