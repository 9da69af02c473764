"""Deliveries: layers, rasters, styles, metadata, catalogue, inventory, and their check."""

from bocage.products._catalog import write_catalog
from bocage.products._check import (
    CheckReport,
    Finding,
    ProductDefinition,
    Step,
    check,
    definition_for,
    list_products,
    load_product,
)
from bocage.products._components import (
    CHARACTERISTICS,
    component_shares,
    mowing_events,
    water_persistence,
)
from bocage.products._delivery import Delivery
from bocage.products._inventory import (
    CHECKSUMS,
    CROSSWALK,
    INVENTORY,
    Product,
    find_products,
    write_checksums,
    write_inventory,
)
from bocage.products._layers import change_layer, status_layer
from bocage.products._metadata import metadata_xml
from bocage.products._raster import (
    write_class_raster,
    write_confidence_raster,
    write_heterogeneity_raster,
    write_lineage_raster,
    write_raster_metadata,
    write_raster_zip,
)
from bocage.products._recode import (
    coarser_raster,
    fit_rules,
    joined_reports,
    layer_means,
    recode_coverage,
    recode_raster,
)
from bocage.products._schema import (
    KINDS,
    Components,
    Field,
    Kind,
    LayerRules,
    MmuException,
    RasterRules,
    Schema,
    list_schemas,
    load_schema,
)
from bocage.products._style import qml_raster_style, qml_style, sld_raster_style, sld_style
from bocage.products._vector import BOUNDARY, LayerFiles, write_boundary, write_layer

__all__ = [
    "BOUNDARY",
    "CHARACTERISTICS",
    "CHECKSUMS",
    "CROSSWALK",
    "INVENTORY",
    "KINDS",
    "CheckReport",
    "Components",
    "Delivery",
    "Field",
    "Finding",
    "Kind",
    "LayerFiles",
    "LayerRules",
    "MmuException",
    "Product",
    "ProductDefinition",
    "RasterRules",
    "Schema",
    "Step",
    "change_layer",
    "check",
    "coarser_raster",
    "component_shares",
    "definition_for",
    "find_products",
    "fit_rules",
    "joined_reports",
    "layer_means",
    "list_products",
    "list_schemas",
    "load_product",
    "load_schema",
    "metadata_xml",
    "mowing_events",
    "qml_raster_style",
    "qml_style",
    "recode_coverage",
    "recode_raster",
    "sld_raster_style",
    "sld_style",
    "status_layer",
    "water_persistence",
    "write_boundary",
    "write_catalog",
    "write_checksums",
    "write_class_raster",
    "write_confidence_raster",
    "write_heterogeneity_raster",
    "write_inventory",
    "write_layer",
    "write_lineage_raster",
    "write_raster_metadata",
    "write_raster_zip",
]
