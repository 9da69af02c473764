"""Metadata records in ISO 19139 XML with the elements that INSPIRE asks of a data set."""

from __future__ import annotations

from functools import cache
from importlib import resources

import jinja2
from pyproj import Transformer

from bocage.grid import NATIVE
from bocage.products._delivery import Delivery
from bocage.products._schema import Kind

_RASTERS = ("raster", "confidence", "heterogeneity", "lineage", "safe_level")


@cache
def _template() -> jinja2.Template:
    text = (resources.files("bocage.products") / "data" / "metadata.xml.j2").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(text)


def geographic_bounds(
    bounds: tuple[float, float, float, float], epsg: int
) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees (7 decimals) of bounds in a projected CRS."""
    convert = Transformer.from_crs(epsg, 4326, always_xy=True)
    west, south, east, north = convert.transform_bounds(*bounds, densify_pts=21)
    return round(west, 7), round(south, 7), round(east, 7), round(north, 7)


def metadata_xml(
    delivery: Delivery,
    kind: Kind,
    year: int | None,
    bounds: tuple[float, float, float, float],
    *,
    count: int | None = None,
    shape: tuple[int, int] | None = None,
) -> str:
    """Metadata record of a layer or raster.

    Parameters
    ----------
    delivery
        Names and texts; the texts are the key ``metadata`` of the schema.
    kind, year
        The product; `year` is None for a change layer.
    bounds
        West, south, east, north in the CRS of the schema.
    count
        Number of polygons of a layer.
    shape
        Rows and columns of a raster.
    """
    years = delivery.years_of(kind, year)
    words = delivery.words(years)
    texts = delivery.schema.metadata
    raster = kind in _RASTERS
    west, south, east, north = geographic_bounds(bounds, delivery.schema.epsg)
    abstract = str(texts[f"{kind}_abstract"]).format(**words)
    resolution = {"heterogeneity": NATIVE}.get(kind, delivery.schema.raster.pixel_m)
    return _template().render(
        texts=texts,
        identifier=delivery.name(kind, year),
        title=f"{delivery.schema.title} {'-'.join(map(str, years))} {kind}, {delivery.unit.name}",
        abstract=abstract,
        delivered=delivery.iso_date,
        edition=f"{delivery.version} {delivery.revision}",
        places=[texts["extent"], delivery.unit.name, *texts["keywords"]],
        resolution=resolution if raster else texts["resolution_m"],
        representation="grid" if raster else "vector",
        formats=texts["formats"]["raster" if raster else "vector"],
        epsg=delivery.schema.epsg,
        count=count,
        shape=shape,
        west=west,
        south=south,
        east=east,
        north=north,
        begin=f"{years[0]}-01-01",
        end=f"{years[-1]}-12-31",
    )
