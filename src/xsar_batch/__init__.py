"""xsar-batch: from a folder of Sentinel-1 SAFEs to verified L1B products."""

__version__ = "0.1.0"
