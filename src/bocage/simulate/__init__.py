"""Virtual protected areas: landscapes with known truth, and Sentinel-2-like images of them."""

from bocage.simulate._simulate import simulate
from bocage.simulate._tables import list_landscapes as list_regions

__all__ = ["list_regions", "simulate"]
