"""Byte rasters as cloud-optimised GeoTIFF."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
import rasterio.shutil
from affine import Affine
from odc.geo.geobox import GeoBox

from bocage.files import atomic_path

BLOCK = 512
"""Side of the tiles, pixels."""

NODATA = 255


@contextmanager
def byte_cog(path: Path, box: GeoBox, *, resampling: str) -> Iterator[rasterio.io.DatasetWriter]:
    """A single-band raster to write into (and read from), which becomes a COG at the end.

    Parameters
    ----------
    path
        The ``.tif``; it appears whole or not at all.
    box
        Pixel grid. What is not written is 255, nodata.
    resampling
        How overviews are made: ``mode`` for classes, ``average`` for amounts.
    """
    with (
        atomic_path(path) as part,
        tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder,
    ):
        plain = Path(folder) / "plain.tif"
        with rasterio.open(
            plain, "w+", driver="GTiff", count=1, height=box.shape.y, width=box.shape.x,
            dtype="uint8", crs=str(box.crs), transform=Affine(*box.affine[:6]), nodata=NODATA,
            tiled=True, blockxsize=BLOCK, blockysize=BLOCK, compress="lzw", sparse_ok=True,
            bigtiff="if_safer",
        ) as target:  # fmt: skip
            yield target
        rasterio.shutil.copy(
            plain, part, driver="COG", compress="lzw", blocksize=BLOCK, bigtiff="if_safer",
            overview_compress="lzw", overview_resampling=resampling, sparse_ok=True,
        )  # fmt: skip
