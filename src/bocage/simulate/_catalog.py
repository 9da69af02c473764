"""The images on disk: one COG a band and date, and a static STAC catalogue over them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import rasterio
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from pystac.stac_io import DefaultStacIO

from bocage.files import atomic_path, write_text
from bocage.simulate._calendar import Pass
from bocage.simulate._camera import Image
from bocage.simulate._film import Film
from bocage.simulate._instrument import bands
from bocage.simulate._tables import BANDS, RESOLUTION

COLLECTION = "sentinel-2-l2a"
"""Id of the collection."""

COG = "image/tiff; application=geotiff; profile=cloud-optimized"

EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/view/v1.0.0/schema.json",
)

COMMON_NAMES = {
    "B01": "coastal", "B02": "blue", "B03": "green", "B04": "red", "B05": "rededge",
    "B06": "rededge", "B07": "rededge", "B08": "nir", "B8A": "nir08", "B09": "nir09",
    "B11": "swir16", "B12": "swir22",
}  # fmt: skip


@dataclass(frozen=True)
class Baseline:
    """How reflectance is stored: number of the processing baseline and offset in counts."""

    name: str
    offset: int


def baseline(year: int) -> Baseline:
    """Processing baseline of a year: from 2022 on (04.00) counts have an offset of 1000."""
    return Baseline("03.01", 0) if year < 2022 else Baseline("05.10", 1000)


def counts(reflectance: NDArray[np.float32], offset: int) -> NDArray[np.uint16]:
    """Reflectance as stored numbers; 0 where there is none."""
    stored = np.clip(np.rint(reflectance * 10_000) + offset, 1, 65_535)
    result: NDArray[np.uint16] = np.where(np.isfinite(reflectance), stored, 0).astype(np.uint16)
    return result


def item_id(one: Pass, film: Film) -> str:
    """Id of the item of a pass in a UTM zone: satellite, day and zone."""
    return f"S2{one.platform}_{one.when:%Y%m%d}_T{film.zone:02d}"


def write_image(folder: Path, image: Image, film: Film, one: Pass) -> pystac.Item:
    """Write the bands of one date and return its STAC item (asset paths absolute).

    Parameters
    ----------
    folder
        Folder of the catalogue; the files go to a folder in it named after the item.
    one
        The pass on which the image was taken.
    """
    rule = baseline(one.when.year)
    item = _item(image, film, one, rule)
    target = folder / item.id
    for name in BANDS:
        path = target / f"{name}.tif"
        _write_cog(path, counts(image.bands[name], rule.offset), film.boxes[RESOLUTION[name]], name)
        item.add_asset(name, _asset(path, name, film.boxes[RESOLUTION[name]], rule))
    path = target / "SCL.tif"
    _write_cog(path, image.scl, film.boxes[20], "SCL")
    item.add_asset("SCL", _asset(path, "SCL", film.boxes[20], rule))
    return item


def _write_cog(path: Path, data: NDArray[Any], box: GeoBox, name: str) -> None:
    profile = {
        "driver": "COG",
        "count": 1,
        "height": data.shape[0],
        "width": data.shape[1],
        "dtype": str(data.dtype),
        "crs": str(box.crs),
        "transform": box.affine,
        "nodata": 0,
        "compress": "deflate",
        "level": 4,
        "predictor": "yes",
        "overview_resampling": "nearest",
    }
    with atomic_path(path) as part, rasterio.open(part, "w", **profile) as target:
        target.write(data, 1)
        target.set_band_description(1, name)


def _item(image: Image, film: Film, one: Pass, rule: Baseline) -> pystac.Item:
    outline = _outline(film)
    return pystac.Item(
        id=item_id(one, film),
        geometry=shapely.geometry.mapping(outline),
        bbox=[round(v, 7) for v in outline.bounds],
        datetime=one.when,
        properties={
            "platform": f"sentinel-2{one.platform.lower()}",
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "gsd": 10,
            "proj:code": f"EPSG:{film.epsg}",
            "eo:cloud_cover": round(image.cloud_cover, 2),
            "view:sun_elevation": round(one.weather.sun, 3),
            "view:sun_azimuth": round(one.weather.azimuth, 3),
            "view:incidence_angle": 0.0,  # everything is seen from straight above
            "s2:processing_baseline": rule.name,
            "s2:nodata_pixel_percentage": round(image.nodata, 3),
            "s2:snow_ice_percentage": round(image.snow_cover, 3),
        },
        stac_extensions=list(EXTENSIONS),
        collection=COLLECTION,
    )


def _outline(film: Film) -> shapely.Polygon:
    """Footprint of the images in degrees."""
    edge = shapely.segmentize(shapely.box(*film.boxes[20].boundingbox), 5_000)
    turn = Transformer.from_crs(f"EPSG:{film.epsg}", "EPSG:4326", always_xy=True)
    x, y = turn.transform(*shapely.get_coordinates(edge).T)
    return shapely.Polygon(np.round(np.column_stack([x, y]), 7))


def _asset(path: Path, name: str, box: GeoBox, rule: Baseline) -> pystac.Asset:
    size = 20 if name == "SCL" else RESOLUTION[name]
    fields: dict[str, Any] = {
        "gsd": size,
        "proj:shape": [int(n) for n in box.shape],
        "proj:transform": [float(v) for v in box.affine[:6]],
    }
    raster: dict[str, Any] = {"nodata": 0, "spatial_resolution": size}
    if name == "SCL":
        raster["data_type"] = "uint8"
    else:
        raster |= {"data_type": "uint16", "scale": 0.0001, "offset": -rule.offset / 10_000}
        band = bands()[BANDS.index(name)]
        fields["eo:bands"] = [
            {
                "name": name,
                "common_name": COMMON_NAMES[name],
                "center_wavelength": round(band.centre_nm / 1000, 4),
                "full_width_half_max": round(band.width_nm / 1000, 4),
            }
        ]
    fields["raster:bands"] = [raster]
    roles = ["data"] if name == "SCL" else ["data", "reflectance"]
    title = "scene classification" if name == "SCL" else f"band {name}"
    return pystac.Asset(str(path), title=title, media_type=COG, roles=roles, extra_fields=fields)


class _Io(DefaultStacIO):
    """Writes JSON files that appear whole or not at all."""

    def write_text(self, dest: Any, txt: str, *args: Any, **kwargs: Any) -> None:
        write_text(Path(str(dest)), txt)


def write_catalog(folder: Path, items: list[pystac.Item], region: str) -> Path:
    """Write a self-contained catalogue with relative paths over items; returns ``catalog.json``."""
    boxes = np.array([item.bbox for item in items])
    bounds = [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]
    times = [item.datetime for item in items]
    collection = pystac.Collection(
        id=COLLECTION,
        description=f"Simulated images of a virtual protected area, {region} region",
        extent=pystac.Extent(
            pystac.SpatialExtent([bounds]),
            pystac.TemporalExtent([[min(times), max(times)]]),  # type: ignore[type-var]
        ),
        license="other",
    )
    catalog = pystac.Catalog(
        id="virtual-protected-area", description=f"A virtual protected area, {region} region"
    )
    catalog.add_child(collection)
    collection.add_items(items)
    catalog.normalize_hrefs(str(folder.resolve()))
    catalog.make_all_asset_hrefs_relative()
    catalog.save(catalog_type=pystac.CatalogType.SELF_CONTAINED, stac_io=_Io())
    return folder / "catalog.json"
