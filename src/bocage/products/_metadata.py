"""Metadata records in ISO 19139 XML: the core elements that INSPIRE asks of a data set."""

from __future__ import annotations

from functools import cache
from importlib import resources

import jinja2
from pyproj import Transformer

from bocage.products._delivery import Delivery
from bocage.products._schema import Kind

_RASTERS = ("raster", "confidence", "heterogeneity")


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
) -> str:
    """Metadata record of a layer or raster.

    Holds identifier, language, contact, dates, title, abstract, INSPIRE themes, reference
    system, resolution, bounding box, time extent, format, constraints and lineage. The
    conformance reports and the rest of the interoperability elements are not written yet.

    Parameters
    ----------
    delivery
        Names and texts.
    kind, year
        The product; `year` is None for a change layer.
    bounds
        West, south, east, north in the CRS of the schema.
    """
    years = delivery.years_of(kind, year)
    words = delivery.words(years)
    texts = delivery.schema.metadata
    raster = kind in _RASTERS
    west, south, east, north = geographic_bounds(bounds, delivery.schema.epsg)
    abstract = str(texts["raster_abstract" if raster else f"{kind}_abstract"]).format(**words)
    return _template().render(
        identifier=delivery.name(kind, year),
        title=f"{delivery.schema.title} {'-'.join(map(str, years))} {kind}, {delivery.unit.name}",
        abstract=abstract,
        delivered=delivery.iso_date,
        organisation=texts["organisation"],
        email=texts["email"],
        link=texts["link"],
        places=[texts["extent"], delivery.unit.name],
        use_limitation=texts["use_limitation"],
        lineage=texts["lineage"],
        resolution=delivery.schema.raster.pixel_m if raster else texts["resolution_m"],
        representation="grid" if raster else "vector",
        format="GeoTIFF" if raster else "GeoPackage",
        format_version="1.1" if raster else "1.3",
        epsg=delivery.schema.epsg,
        west=west,
        south=south,
        east=east,
        north=north,
        begin=f"{years[0]}-01-01",
        end=f"{years[-1]}-12-31",
    )
