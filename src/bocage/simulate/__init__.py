"""Virtual protected areas: landscapes with known truth, and Sentinel-2-like images of them."""

from bocage.grid import list_regions
from bocage.simulate._simulate import simulate

__all__ = ["list_regions", "simulate"]
