"""Land cover and land use maps of protected areas, from Sentinel-2 to a checked delivery."""

__version__ = "0.1.0"
