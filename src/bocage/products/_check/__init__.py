"""The delivery check."""

from bocage.products._check._definition import ProductDefinition, definition_for
from bocage.products._check._finding import Finding, Step
from bocage.products._check._products import list_products, load_product
from bocage.products._check._report import CheckReport
from bocage.products._check._run import check

__all__ = [
    "CheckReport",
    "Finding",
    "ProductDefinition",
    "Step",
    "check",
    "definition_for",
    "list_products",
    "load_product",
]
